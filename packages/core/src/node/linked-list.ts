/** A member of a {@link List}, and of no other one. */
export interface Linked<T> {
  older: T | undefined
  newer: T | undefined
}

/**
 * Members in the order in which they came, linked with each other. Not a Set or Map: where members come and go by the thousand, V8 makes new
 * tables for those all the time, and a table that is dropped late keeps everything alive that it once held.
 */
export class List<T extends Linked<T>> {
  #oldest: T | undefined
  #newest: T | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  get oldest(): T | undefined {
    return this.#oldest
  }

  add(member: T): void {
    member.older = this.#newest
    if (this.#newest === undefined) this.#oldest = member
    else this.#newest.newer = member
    this.#newest = member
    this.#size++
  }

  /** Whether it was a member: one that is none is left alone. */
  delete(member: T): boolean {
    const { older, newer } = member
    if (older === undefined && this.#oldest !== member) return false
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    // A dead one that is not collected yet would keep the others alive.
    member.older = undefined
    member.newer = undefined
    this.#size--
    return true
  }

  /** Oldest first. Whoever is visited may be deleted meanwhile; others are deleted between two walks. */
  *[Symbol.iterator](): IterableIterator<T> {
    let member = this.#oldest
    while (member !== undefined) {
      const { newer }: Linked<T> = member
      yield member
      member = newer
    }
  }
}

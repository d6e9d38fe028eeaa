/** A member of a {@link List}. It may be in one list only. */
export interface Linked<T> {
  older: T | undefined
  newer: T | undefined
}

/**
 * Members in the order in which they were added, linked with each other. It is no Set or Map: where thousands of members come and go, V8 allocates
 * new tables for those all the time, and an old table that is collected late keeps alive everything that it once held.
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

  /** Returns whether it was a member; an object that was none is left alone. */
  delete(member: T): boolean {
    const { older, newer } = member
    if (older === undefined && this.#oldest !== member) return false
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (newer === undefined) this.#newest = older
    else newer.older = older
    // Otherwise a removed member that is not collected yet would keep its neighbours alive.
    member.older = undefined
    member.newer = undefined
    this.#size--
    return true
  }

  /** Oldest first. The member that is being visited may be deleted during the walk, others may not. */
  *[Symbol.iterator](): IterableIterator<T> {
    let member = this.#oldest
    while (member !== undefined) {
      const { newer }: Linked<T> = member
      yield member
      member = newer
    }
  }
}

/** The limits of the probe: connections at the same time, and bytes in all. */
export class Budget {
  #bytes: number
  #free: number
  #waiting: { connections: number; admit: () => void }[] = []

  constructor(
    readonly connections = 50,
    bytes = 64 * 1024 * 1024,
  ) {
    this.#bytes = bytes
    this.#free = connections
  }

  /** Bytes that may still be sent. */
  get bytesLeft(): number {
    return this.#bytes
  }

  /** Returns false if that is more than is left. */
  spend(bytes: number): boolean {
    if (bytes > this.#bytes) return false
    this.#bytes -= bytes
    return true
  }

  /** Corrects what was spent in advance, once it is known how much was sent. */
  settle(spent: number, sent: number): void {
    this.#bytes += spent - sent
  }

  /** Resolves when this many connections are free. In the order of the calls, so that none waits for ever. */
  async take(connections: number): Promise<void> {
    if (this.#waiting.length > 0 || connections > this.#free) {
      await new Promise<void>((admit) => this.#waiting.push({ connections, admit }))
    } else this.#free -= connections
  }

  give(connections: number): void {
    this.#free += connections
    for (let first = this.#waiting[0]; first !== undefined && first.connections <= this.#free; first = this.#waiting[0]) {
      this.#waiting.shift()
      this.#free -= first.connections
      first.admit()
    }
  }
}

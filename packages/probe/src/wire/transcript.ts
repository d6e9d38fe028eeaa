/** What was sent or seen, and when. */
export interface Line {
  /** Milliseconds since the transcript began. */
  at: number
  /** In words. */
  what: string
}

/** What happened on one connection, with times. A long one loses its middle, since the beginning and the end matter. */
export class Transcript {
  /** In order. */
  readonly lines: Line[] = []
  /** ms since 1970. */
  readonly began = Date.now()

  constructor(private readonly most = 60) {}

  /** Adds a line. */
  note(what: string): void {
    if (this.lines.length > this.most) this.lines.splice(this.most - 30, 2, { at: Date.now() - this.began, what: '…' })
    this.lines.push({ at: Date.now() - this.began, what })
  }

  /** A line for each. */
  toString(): string {
    return this.lines.map(({ at, what }) => `${at} ms ${what}`).join('\n  ')
  }
}

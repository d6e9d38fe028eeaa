import type { Fields } from './hpack.js'

/** What arrived on one stream. */
export class Answer {
  /** The head of the final response. */
  fields: Fields = []
  /** 0: it has not arrived. */
  status = 0
  /** The body so far, in pieces. */
  readonly chunks: Buffer[] = []
  /** It ended with END_STREAM. */
  whole = false
  /** Code of the RST_STREAM that ended it. */
  reset: number | undefined
  /** When it ended: ms since 1970. */
  endedAt = 0

  /** One answer for each stream. */
  constructor(
    /** Its id. */
    readonly stream: number,
  ) {}

  /** The value of a field. */
  header(name: string): string | undefined {
    return this.fields.find(([each]) => each === name)?.[1]
  }

  /** The body so far, as text. */
  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1')
  }
}

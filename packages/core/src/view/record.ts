import type { ConnectionState, ServerState } from '../types.js'

/** A stretch of a lane: from and to in milliseconds since the record began, and the state in between. */
export type DrainSpan = readonly [from: number, to: number, state: ConnectionState]

/** Something that happened, in milliseconds since the record began, and in words. */
export interface DrainMark {
  /** When. */
  readonly at: number
  /** What, e.g. `'SIGTERM'`. */
  readonly text: string
}

/** One connection over time. */
export interface DrainLane {
  /** Of the lanes of a record no other has it. */
  readonly id: number
  /** The client's address, or another name. */
  readonly remote: string
  /** What it was doing last: a request, and what it waited for. */
  readonly text: string
  /** In order, without overlaps. */
  readonly spans: readonly DrainSpan[]
  /** Its end, and why; `undefined`: it is open. */
  readonly end: DrainMark | undefined
  /** Requests that were lost on it: shown in red. */
  readonly lost: readonly DrainMark[]
}

/** What a drain did to its connections, as {@link recordDrain} keeps it. Plain data: it may be sent as JSON, and made by hand of what clients saw. */
export interface DrainRecord {
  /** Its heading. */
  readonly title: string
  /** What came of it, in a line. */
  readonly summary: string
  /** When it began, in milliseconds since 1970. */
  readonly began: number
  /** How long it is, in milliseconds. */
  readonly ms: number
  /** Lines through all lanes: where the signal came, and where the states of the server changed. */
  readonly marks: readonly DrainMark[]
  /** Connections, the most interesting first. */
  readonly lanes: readonly DrainLane[]
  /** How many connections have no lane, since there were more than are kept. */
  readonly more: number
}

/** What an open page is told each second. */
export interface Frame {
  readonly state: ServerState
  /** Milliseconds until the deadline; `null`: no drain. */
  readonly remaining: number | null
  readonly open: Readonly<Record<ConnectionState, number>>
  readonly record: DrainRecord
}

import type { ConnectionState, ServerState } from '../types.js'

/** A stretch of a lane: from and to in milliseconds since the record began, and the state. */
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
  /** Unique among the lanes of a record. */
  readonly id: number
  /** The client's address, or another name. */
  readonly remote: string
  /** What it was doing last: a request, and what it waited for. */
  readonly text: string
  /** In order, not overlapping. */
  readonly spans: readonly DrainSpan[]
  /** Its end, and why; `undefined`: it is open. */
  readonly end: DrainMark | undefined
  /** Requests that were lost on it: shown in red. */
  readonly lost: readonly DrainMark[]
}

/** What a drain did to its connections, as {@link recordDrain} records it. Plain data: it may be sent as JSON, or made by hand from what clients saw. */
export interface DrainRecord {
  /** Its heading. */
  readonly title: string
  /** The result, in a line. */
  readonly summary: string
  /** When it began, in milliseconds since 1970. */
  readonly began: number
  /** How long it is, in milliseconds. */
  readonly ms: number
  /** Lines through all lanes: where the signal came, and where the states of the server changed. */
  readonly marks: readonly DrainMark[]
  /** Connections, the most interesting first. */
  readonly lanes: readonly DrainLane[]
  /** How many connections have no lane, because there were too many. */
  readonly more: number
}

/** What an open page gets each second. */
export interface Frame {
  readonly state: ServerState
  /** Milliseconds until the deadline; `null`: no drain. */
  readonly remaining: number | null
  readonly open: Readonly<Record<ConnectionState, number>>
  readonly record: DrainRecord
}

import { performance } from 'node:perf_hooks'
import type { CloseEvent, CloseReason, ConnectionState, Connections, OpenConnection, StateEvent } from '../types.js'
import type { DrainLane, DrainMark, DrainRecord } from './record.js'

/** Lanes that are shown; those of connections that have ended are kept beside as many that are open. */
export const LANES = 200
/** Stretches that a lane has, at most: of a connection that lives for long the earliest are dropped. */
const SPANS = 100

/** Of what was before a drain, in ms. */
const BEFORE = 5_000

/** Why a request that was being answered was lost to its client. */
const CUTS: ReadonlySet<CloseReason> = new Set<CloseReason>(['deadline', 'stalled', 'timeout', 'limit'])

interface Lane {
  readonly id: number
  readonly remote: string
  text: string
  /** Requests that were being answered when it was last looked at. */
  inFlight: number
  /** Place in the last list. */
  rank: number
  readonly spans: [from: number, to: number, state: ConnectionState][]
  end: DrainMark | undefined
  readonly lost: DrainMark[]
}

/** Keeps the lanes of a handle's connections, as far as it is told to look. Bounded. */
export class Recorder {
  readonly #connections: Connections
  readonly #began = performance.now()
  readonly #lanes = new Map<number, Lane>()
  readonly #open = new Map<string, Lane>()
  readonly #marks: DrainMark[] = []
  #more = 0
  /** Open, and beyond those that are listed. */
  #unlisted = 0
  #briefest = 0

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** Connections that end between two looks are seen as well, while somebody watches. */
  watch(): void {
    this.#connections.on('close', this.#onClose)
  }

  unwatch(): void {
    this.#connections.off('close', this.#onClose)
    // What happens from now on nobody sees.
    this.#open.clear()
    this.#lanes.clear()
    this.#more = 0
  }

  mark({ state, reason }: StateEvent): void {
    if (state === 'serving') this.#marks.length = 0
    else this.#marks.push({ at: this.#now, text: state === 'leaving' ? reason : state })
  }

  look(): void {
    const now = this.#now
    const list = this.#connections.list({ limit: LANES })
    const open = Object.values(this.#connections.stats().open).reduce((sum, n) => sum + n, 0)
    this.#unlisted = Math.max(0, open - list.length)
    const seen = new Set<number>()
    for (const [rank, one] of list.entries()) {
      seen.add(one.id)
      const lane = this.#lanes.get(one.id) ?? this.#begin(one.id, one.remote)
      lane.rank = rank
      lane.text = textOf(one)
      lane.inFlight = one.inFlight
      extend(lane, one, now)
    }
    for (const lane of this.#lanes.values()) {
      if (seen.has(lane.id) || lane.end !== undefined) continue
      // Where there are more than are listed, it may only be out of sight.
      if (list.length < LANES) this.#end(lane, { at: now, text: 'ended' })
      else lane.rank = LANES
    }
  }

  /** `window`: of what was before now, in ms, where no drain began. */
  record(title: string, summary: string, window: number): DrainRecord {
    const now = this.#now
    const [signal] = this.#marks
    const start = Math.max(this.#earliest(now), signal === undefined ? now - window : signal.at - BEFORE)
    const shift = <T extends { readonly at: number }>(mark: T): T => ({ ...mark, at: Math.round(mark.at - start) })
    const lanes = [...this.#lanes.values()]
      .filter(({ end, rank }) => (end === undefined ? rank < LANES : end.at > start))
      .sort((a, b) => Number(a.end !== undefined) - Number(b.end !== undefined) || a.rank - b.rank || endOf(b) - endOf(a))
    const shown = lanes.slice(0, LANES).map(({ id, remote, text, spans, end, lost }): DrainLane => {
      const visible = spans.filter(([, to]) => to > start)
      return {
        id,
        remote,
        text,
        spans: visible.map(([a, b, state]) => [Math.round(Math.max(a, start) - start), Math.round(b - start), state] as const),
        end: end && shift(end),
        lost: lost.map(shift),
      }
    })
    return {
      title,
      summary,
      began: Math.round(Date.now() - (now - start)),
      ms: Math.round(now - start),
      marks: this.#marks.filter(({ at }) => at >= start).map(shift),
      lanes: shown,
      more: this.#more + lanes.length - shown.length + this.#unlisted,
    }
  }

  get #now(): number {
    return performance.now() - this.#began
  }

  /** What was before the first connection began is not shown, but a second of it is. */
  #earliest(now: number): number {
    let earliest = now
    for (const { spans } of this.#lanes.values()) earliest = Math.min(earliest, spans[0]?.[0] ?? now)
    return Math.min(earliest, (this.#marks[0]?.at ?? now) - 1_000, now - 1_000)
  }

  #begin(id: number, remote: string): Lane {
    if (this.#lanes.size >= 2 * LANES) this.#forgetOldest()
    const lane: Lane = { id, remote, text: '', inFlight: 0, rank: 0, spans: [], end: undefined, lost: [] }
    this.#lanes.set(id, lane)
    this.#open.set(remote, lane)
    return lane
  }

  #end(lane: Lane, end: DrainMark): void {
    lane.end = end
    if (this.#open.get(lane.remote) === lane) this.#open.delete(lane.remote)
  }

  /** One that has ended, or is out of sight. */
  #forgetOldest(): void {
    let oldest: Lane | undefined
    for (const lane of this.#lanes.values()) {
      if (lane.end !== undefined || lane.rank === LANES)
        oldest = oldest === undefined || endOf(lane) < endOf(oldest) ? lane : oldest
    }
    if (oldest === undefined) return
    this.#lanes.delete(oldest.id)
    if (this.#open.get(oldest.remote) === oldest) this.#open.delete(oldest.remote)
    this.#more++
  }

  readonly #onClose = ({ remote, reason, first, requests, ms }: CloseEvent): void => {
    const at = this.#now
    // Of those on a path nobody knows which it was.
    if (!/:\d+$/.test(remote)) return
    const lane = this.#open.get(remote) ?? this.#begin(--this.#briefest, remote)
    const last = lane.spans.at(-1)
    if (last === undefined) lane.spans.push([at - ms, at, requests > 0 ? 'busy' : 'silent'])
    else last[1] = at
    lane.text ||= `${requests} ${requests === 1 ? 'request' : 'requests'}`
    if (CUTS.has(reason) && lane.inFlight > 0) lane.lost.push({ at, text: `cut (${reason}): ${lane.text}` })
    this.#end(lane, { at, text: `${reason}, closed by the ${first} first` })
  }
}

/** The state in which it is found began when its request arrived, or its last one was answered. */
function extend({ spans }: Lane, { state, ms, age }: OpenConnection, now: number): void {
  const last = spans.at(-1)
  if (last === undefined) spans.push([now - Math.min(ms, age), now, state])
  else if (last[2] === state) last[1] = now
  else {
    const since = Math.max(last[1], now - ms)
    last[1] = since
    spans.push([since, now, state])
    if (spans.length > SPANS) spans.shift()
  }
}

function textOf({ method, path, inFlight, waitsFor }: OpenConnection): string {
  const others = inFlight > 1 ? ` and ${inFlight - 1} more` : ''
  return method === undefined ? waitsFor : `${method} ${path?.slice(0, 100) ?? ''}${others}: ${waitsFor}`
}

function endOf({ end, spans }: Lane): number {
  return end?.at ?? spans.at(-1)?.[1] ?? 0
}

import { performance } from 'node:perf_hooks'
import { printable } from '../events/printable.js'
import type { CloseEvent, CloseReason, ConnectionState, Connections, OpenConnection, StateEvent } from '../types.js'
import type { DrainLane, DrainMark, DrainRecord } from './drain-record.js'

/** Lanes that are shown. As many lanes of ended connections are kept beside those of open ones. */
export const LANES = 200
/** The most stretches of a lane: a connection that lives longer loses its earliest ones. */
const SPANS = 100

/** How much of the time before a drain is shown, in ms. */
const BEFORE = 5_000

/** The reasons for which a client loses a request that was being answered. */
const CUTS: ReadonlySet<CloseReason> = new Set<CloseReason>([
  'deadline',
  'stalled',
  'timeout',
  'limit',
  'handler',
  'content-length',
  'half-closed',
])

interface Lane {
  readonly id: number
  readonly remote: string
  text: string
  /** Its place in the last list. */
  rank: number
  readonly spans: [from: number, to: number, state: ConnectionState][]
  end: DrainMark | undefined
  readonly lost: DrainMark[]
}

/** Keeps the lanes of a handle's connections, as of the looks that it is asked to make. Bounded. */
export class Timeline {
  readonly #connections: Connections
  readonly #began = performance.now()
  readonly #lanes = new Map<number, Lane>()
  readonly #open = new Map<string, Lane>()
  readonly #marks: DrainMark[] = []
  #more = 0
  /** How many connections are open beyond those that are listed. */
  #unlisted = 0
  #briefest = 0

  constructor(connections: Connections) {
    this.#connections = connections
  }

  /** While a page is open: records connections that end between two looks, too. */
  watch(): void {
    this.#connections.on('close', this.#onClose)
  }

  unwatch(): void {
    this.#connections.off('close', this.#onClose)
    // From now on nothing is recorded.
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
      extend(lane, one, now)
    }
    for (const lane of this.#lanes.values()) {
      if (seen.has(lane.id) || lane.end !== undefined) continue
      // If the list is full, the connection may only be missing from it.
      if (list.length < LANES) this.#end(lane, { at: now, text: 'ended' })
      else lane.rank = LANES
    }
  }

  /** `window`: how much of the time before now is shown, in ms, if no drain began. */
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

  /** The time before the first connection is not shown, except for a second. */
  #earliest(now: number): number {
    let earliest = now
    for (const { spans } of this.#lanes.values()) earliest = Math.min(earliest, spans[0]?.[0] ?? now)
    return Math.min(earliest, (this.#marks[0]?.at ?? now) - 1_000, now - 1_000)
  }

  #begin(id: number, remote: string): Lane {
    if (this.#lanes.size >= 2 * LANES) this.#forgetOldest()
    const lane: Lane = { id, remote, text: '', rank: 0, spans: [], end: undefined, lost: [] }
    this.#lanes.set(id, lane)
    this.#open.set(remote, lane)
    return lane
  }

  #end(lane: Lane, end: DrainMark): void {
    lane.end = end
    if (this.#open.get(lane.remote) === lane) this.#open.delete(lane.remote)
  }

  /** Drops a lane: of a connection that has ended, or is not listed any more. */
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

  readonly #onClose = ({ remote, reason, first, requests, ms, inFlight }: CloseEvent): void => {
    const at = this.#now
    // Connections on a path have no addresses, so there is no way to tell which one it was.
    if (!/:\d+$/.test(remote)) return
    const lane = this.#open.get(remote) ?? this.#begin(--this.#briefest, remote)
    const last = lane.spans.at(-1)
    if (last === undefined) lane.spans.push([at - ms, at, requests > 0 ? 'busy' : 'silent'])
    else last[1] = at
    lane.text ||= `${requests} ${requests === 1 ? 'request' : 'requests'}`
    if (inFlight && CUTS.has(reason)) lane.lost.push({ at, text: `cut (${reason}): ${lane.text}` })
    this.#end(lane, { at, text: `${reason}, closed by the ${first} first` })
  }
}

/** The state that is found began when the request arrived, or when the last one was answered. */
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
  return method === undefined ? waitsFor : printable(`${method} ${path?.slice(0, 100) ?? ''}${others}: ${waitsFor}`)
}

function endOf({ end, spans }: Lane): number {
  return end?.at ?? spans.at(-1)?.[1] ?? 0
}

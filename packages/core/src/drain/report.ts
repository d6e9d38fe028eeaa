import type { AddressInfo } from 'node:net'
import { performance } from 'node:perf_hooks'
import { count } from '../events/events.js'
import type { Connection } from '../http1/connection.js'
import type { Session } from '../http2/session.js'
import { remoteOf } from '../socket/remote-address.js'
import type { CloseReason, ConnectionState, HeldBy, Policy, PromiseBreaker, Report } from '../types.js'

const HELD_AT_MOST = 20

/** What a drain counts while it runs. */
export class Tally {
  readonly #reason: string
  readonly #began: number
  /** Of its own servers, since it began. */
  readonly #broken: Partial<Record<PromiseBreaker, number>> = {}
  readonly #byReason: Partial<Record<CloseReason, number>> = {}
  readonly #heldBy: HeldBy[] = []
  #heldByMore = 0
  #finished = 0
  #rescued = 0
  #closed = 0
  cut = 0
  /** Connections that nobody governs, which it waited for. */
  unseen = 0
  /** When `leaving` ended. */
  leftAt: number

  constructor(reason: string, began: number) {
    this.#reason = reason
    this.#began = began
    this.leftAt = began
  }

  broke(promise: PromiseBreaker): void {
    count(this.#broken, promise)
  }

  finished(arrived: number): void {
    if (arrived < this.#began) this.#finished++
    else this.#rescued++
  }

  closed(reason: CloseReason): void {
    this.#closed++
    count(this.#byReason, reason)
  }

  heldBy(held: HeldBy): void {
    if (this.#heldBy.length < HELD_AT_MOST) this.#heldBy.push(held)
    else this.#heldByMore++
  }

  report(): Report {
    const now = performance.now()
    return {
      clean: this.cut === 0,
      reason: this.#reason,
      ms: Math.round(now - this.#began),
      phases: { leaving: Math.round(this.leftAt - this.#began), draining: Math.round(now - this.leftAt) },
      requests: { finished: this.#finished, rescued: this.#rescued, cut: this.cut },
      connections: { closed: this.#closed, byReason: this.#byReason },
      promisesBroken: this.#broken,
      heldBy: this.#heldBy,
      heldByMore: this.#heldByMore,
      unseen: this.unseen,
    }
  }
}

/** Two drains at the same time, told as one. The times are those of `main`. */
export function mergeReports(main: Report, other: Report): Report {
  const held = [...main.heldBy, ...other.heldBy]
  return {
    ...main,
    clean: main.clean && other.clean,
    requests: sum(main.requests, other.requests),
    connections: {
      closed: main.connections.closed + other.connections.closed,
      byReason: sum(main.connections.byReason, other.connections.byReason),
    },
    promisesBroken: sum(main.promisesBroken, other.promisesBroken),
    heldBy: held.slice(0, HELD_AT_MOST),
    heldByMore: main.heldByMore + other.heldByMore + Math.max(0, held.length - HELD_AT_MOST),
    unseen: (main.unseen ?? 0) + (other.unseen ?? 0),
  }
}

function sum<T extends Readonly<Partial<Record<string, number>>>>(one: T, other: T): T {
  const total: Record<string, number> = {}
  for (const counts of [one, other]) for (const key in counts) total[key] = (total[key] ?? 0) + (counts[key] ?? 0)
  return { ...one, ...other, ...total }
}

/** What a connection holds the drain with. The query is left out: it may hold secrets. */
export function describeHeld({ site, socket, state, current, upgrade, lastUsed }: Connection, now: number): HeldBy {
  const { method, url } = current?.req ?? upgrade ?? {}
  return {
    remote: remoteOf(socket, site),
    state,
    method,
    path: url?.split('?')[0],
    // Both are rounded, and may be a moment ahead.
    ms: Math.max(0, Math.round(now - (current?.arrived ?? lastUsed))),
  }
}

/** A session holds the drain with each of its streams. */
export function describeSession({ site, socket, state, streams, lastUsed }: Session, now: number): HeldBy[] {
  const remote = remoteOf(socket, site)
  if (streams.size === 0) return [{ remote, state, method: undefined, path: undefined, ms: Math.round(now - lastUsed) }]
  return [...streams.values()].map(({ method, path, arrived }) => {
    return { remote, state, method, path: path?.split('?')[0], ms: Math.round(now - arrived) }
  })
}

/** `halfclose: listening on 127.0.0.1:3000; keep-alive 5 s promised, 6 s kept; drain 20 s` */
export function policyLine({ keepAlive, drain }: Policy, address: AddressInfo | string | null): string {
  const where = typeof address === 'string' ? address : address === null ? 'nothing' : `${address.address}:${address.port}`
  const kept = keepAlive === false ? 'no keep-alive' : `keep-alive ${s(keepAlive.timeout)} promised, ${s(keepAlive.hold)} kept`
  const limit = keepAlive !== false && keepAlive.maxRequests !== false ? `, ${keepAlive.maxRequests} requests each` : ''
  const idle = drain.idle === 'promise' ? 'until its promise is over' : `for ${s(drain.idle)}`
  const delay = drain.delay > 0 ? `${s(drain.delay)} leaving, then ` : ''
  return `halfclose: listening on ${where}; ${kept}${limit}; drain: ${delay}idle ${idle}, at most ${s(drain.deadline)} in all`
}

/** `halfclose: draining, 14.2 s left: 2 busy, 11 idle; oldest GET /report for 3.1 s` */
export function progressLine(connections: readonly Connection[], sessions: readonly Session[], left: number): string {
  const now = performance.now()
  const states: Partial<Record<ConnectionState, number>> = {}
  for (const { state } of [...connections, ...sessions]) count(states, state)
  const busy = connections.filter(({ current }) => current !== undefined).map((connection) => describeHeld(connection, now))
  const streams = sessions.filter((session) => session.streams.size > 0).flatMap((session) => describeSession(session, now))
  const [first, ...others] = [...busy, ...streams]
  const oldest = others.reduce((held, other) => (held !== undefined && held.ms >= other.ms ? held : other), first)
  const open = Object.entries(states).map(([state, n]) => `${n} ${state}`)
  const request = oldest === undefined ? '' : `; oldest ${oldest.method} ${oldest.path} for ${s(oldest.ms)}`
  return `halfclose: draining, ${s(left)} left: ${open.join(', ') || 'nothing'} open${request}`
}

/** Nothing was cut, and nothing had to be closed at the deadline. */
export function wentWell({ clean, heldBy }: Report): boolean {
  return clean && heldBy.length === 0
}

/** `halfclose: drained in 5.9 s (SIGTERM): 3 requests finished, 7 rescued, 0 cut; 12 connections closed` */
export function endLine(report: Report): string {
  const { ms, reason, requests, connections, heldBy, heldByMore, promisesBroken } = report
  const broken = Object.values(promisesBroken).reduce((sum, n) => sum + n, 0)
  const held = heldBy.length + heldByMore
  const outcome = wentWell(report)
    ? 'drained in'
    : report.clean
      ? 'the drain was held to its deadline,'
      : 'the drain was not clean, it took'
  return [
    `halfclose: ${outcome} ${s(ms)} (${reason}): ${some(requests.finished, 'request')} finished, ${requests.rescued} rescued, ${requests.cut} cut`,
    `${some(connections.closed, 'connection')} closed`,
    ...(broken > 0 ? [`${some(broken, 'promise')} broken`] : []),
    ...(held > 0 ? [`${held} held it to the deadline`] : []),
  ].join('; ')
}

/** A request was cut that the drain would have waited for. */
export function cutByOthersMessage(place: string | undefined): string {
  return (
    `halfclose: while the server drains something else ends its connections, with requests in flight${place === undefined ? '' : `: ${place}`}. ` +
    'A drain closes them itself, when they have been answered: take the other package away (http-terminator, terminus, stoppable, ' +
    'http-graceful-shutdown, `closeAllConnections()`), or give it more time than `drain.deadline`'
  )
}

/** A report for people: the line that is logged, then what was still open at the deadline, a line each. */
export function formatReport(report: Report): string {
  const held = report.heldBy.map(({ remote, state, method, path, ms }) => {
    const request = method === undefined ? '' : ` ${method} ${path}`
    return `  ${state}${request} for ${s(ms)}, ${remote}`
  })
  const more = report.heldByMore > 0 ? [`  and ${report.heldByMore} more`] : []
  return [endLine(report), ...held, ...more].join('\n')
}

/** `1 request`, `2 requests`. */
function some(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

function s(ms: number): string {
  return `${Number((ms / 1_000).toFixed(1))} s`
}

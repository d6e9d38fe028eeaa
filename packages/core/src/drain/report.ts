import { printable } from '../events/printable.js'
import { seconds } from '../events/seconds.js'
import type { Report } from '../events/types.js'

/** How many open connections and requests the report of a drain describes; it counts the rest. */
export const HELD_AT_MOST = 20

/** Two drains at the same time, reported as one. The times are those of `main`. */
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
    handshakes: (main.handshakes ?? 0) + (other.handshakes ?? 0),
  }
}

function sum<T extends Readonly<Partial<Record<string, number>>>>(one: T, other: T): T {
  const total: Record<string, number> = {}
  for (const counts of [one, other]) for (const key in counts) total[key] = (total[key] ?? 0) + (counts[key] ?? 0)
  return { ...one, ...other, ...total }
}

/** Whether nothing was cut, and nothing had to be closed at the deadline. */
export function wentWell({ clean, heldBy }: Report): boolean {
  return clean && heldBy.length === 0
}

/** `halfclose: drained in 5.9 s (SIGTERM): 3 requests finished, 7 rescued, 0 cut; 12 connections closed` */
export function endLine(report: Report): string {
  const { ms, reason, requests, connections, heldBy, heldByMore, promisesBroken, handshakes = 0 } = report
  const broken = Object.values(promisesBroken).reduce((sum, n) => sum + n, 0)
  const held = heldBy.length + heldByMore
  const outcome = wentWell(report)
    ? 'drained in'
    : report.clean
      ? 'the drain was held to its deadline,'
      : 'the drain was not clean, it took'
  return [
    `halfclose: ${outcome} ${seconds(ms)} (${reason}): ${some(requests.finished, 'request')} finished, ${requests.rescued} rescued, ${requests.cut} cut`,
    `${some(connections.closed, 'connection')} closed`,
    ...(handshakes > 0 ? [`${some(handshakes, 'TLS handshake')} given up`] : []),
    ...(broken > 0 ? [`${some(broken, 'promise')} broken`] : []),
    ...(held > 0 ? [`${held} held it to the deadline`] : []),
  ].join('; ')
}

/** The warning about other code that cut requests for which the drain would have waited. */
export function cutByOthersMessage(place: string | undefined): string {
  return (
    `halfclose: while the server drains, other code ends its connections, with requests in flight${place === undefined ? '' : `: ${place}`}. ` +
    'A drain closes them itself, when they have been answered: take the other package away (http-terminator, terminus, stoppable, ' +
    'http-graceful-shutdown, `closeAllConnections()`), or give it more time than `drain.deadline`'
  )
}

/** A report as text: the line that is logged, then a line for each connection or request that was open at the deadline. */
export function formatReport(report: Report): string {
  const held = report.heldBy.map(({ remote, state, method, path, ms, waitsFor }) => {
    const request = method === undefined ? '' : printable(` ${method} ${path}`)
    return `  ${state}${request} for ${seconds(ms)}, ${remote}${waitsFor === undefined ? '' : `: ${waitsFor}`}`
  })
  const more = report.heldByMore > 0 ? [`  and ${report.heldByMore} more`] : []
  return [endLine(report), ...held, ...more].join('\n')
}

/** `1 request`, `2 requests`. */
function some(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

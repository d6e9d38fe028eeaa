import { printable } from '../events/printable.js'
import { seconds } from '../events/seconds.js'
import type { OpenConnection } from '../events/types.js'

/** How many characters of a path are printed: a client may send thousands. */
const PATH_AT_MOST = 60

/** The result of `connections.list()` as text: a head and a line for each connection, in columns, like `ss`. */
export function formatConnections(list: readonly OpenConnection[]): string {
  const rows = [['STATE', 'FOR', 'PROMISED', 'REMOTE', 'REQUEST', 'WAITS FOR'], ...list.map(rowOf)]
  const widths = rows.reduce<number[]>((most, row) => row.map((cell, at) => Math.max(most[at] ?? 0, cell.length)), [])
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function rowOf({ state, ms, promiseLeft, remote, method, path, inFlight, waitsFor }: OpenConnection): string[] {
  const others = inFlight > 1 ? ` and ${inFlight - 1} more` : ''
  const request = method === undefined ? '-' : `${method} ${shorten(path ?? '')}${others}`
  return [state, seconds(ms), promiseLeft > 0 ? seconds(promiseLeft) : '-', remote, request, waitsFor].map(printable)
}

function shorten(path: string): string {
  return path.length > PATH_AT_MOST ? `${path.slice(0, PATH_AT_MOST - 1)}…` : path
}

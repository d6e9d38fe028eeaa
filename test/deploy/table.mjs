/** The result: a table for people, an object for the JSON file. */
import { layOut, median } from '../../examples/deploy/table.mjs'
import { broken, byWhatTheProxySays } from './analysis.mjs'
import { causes, lostIn } from './tally.mjs'

/** @typedef {import('./column.mjs').Column} Column */

/** @type {Partial<Record<import('./tally.mjs').Cause, string>>} */
const names = {
  refused: 'connection refused',
  reset: 'reset before the answer',
  eof: 'EOF before the answer',
  cut: 'body cut',
  stalled: 'no answer in 15 s',
  wrong: 'wrong answer',
}

/** @param {number} value */
const count = (value) => value.toLocaleString('en')
/** @param {number} ms */
const seconds = (ms) => `${(ms / 1_000).toFixed(1)} s`
/** @param {Column} column */
const rate = ({ tally }) => (lostIn(tally) * 10_000) / Math.max(1, tally.sent)

/** @param {readonly Column[]} columns */
export function formatTable(columns) {
  /** @param {string} label @param {(column: Column) => string} cell */
  const row = (label, cell) => [label, ...columns.map(cell)]
  const drains = columns.map(({ restarts }) => restarts.map(({ ms }) => ms))
  const heads = [
    row('', ({ proxy }) => proxy),
    row('', ({ protocol }) => (protocol === 'h2' ? 'HTTP/2' : 'HTTP/1.1')),
    row('', ({ framework }) => framework),
    row('', ({ policy }) => policy),
    row('', ({ listener }) => `${listener} listener`),
  ]
  const rows = [
    row('requests sent', ({ tally }) => count(tally.sent)),
    row('  POST, never repeated', ({ tally }) => `${Math.round((100 * tally.posts) / tally.sent)} %`),
    row('restarts', ({ restarts }) => count(restarts.length)),
    row('lost', ({ tally }) => count(lostIn(tally))),
    ...causes
      .filter((cause) => columns.some(({ tally }) => tally.lost[cause] > 0))
      .map((cause) => row(`  ${names[cause] ?? `answered ${cause}`}`, ({ tally }) => count(tally.lost[cause]))),
    row('lost per 10,000', (column) => rate(column).toFixed(1)),
    row('lost in the accept queue', ({ policy, findings }) =>
      // A bare server resets connections that it had accepted, too: from outside they look alike.
      policy === 'bare' ? '–' : count(findings.filter(({ acceptQueue }) => acceptQueue).length),
    ),
    row('drains that were not clean', ({ restarts }) => count(restarts.filter(({ code }) => code !== 0).length)),
    row('time per drain, median', (column) => seconds(median(drains[columns.indexOf(column)] ?? []))),
    row('time per drain, longest', (column) => seconds(Math.max(...(drains[columns.indexOf(column)] ?? [])))),
  ]
  return layOut(heads, rows)
}

/** @param {Column} column */
export function toJson(column) {
  const { proxy, protocol, framework, policy, listener, tally, restarts, findings, seconds: took } = column
  const drains = restarts.map(({ ms }) => ms)
  return {
    proxy,
    protocol,
    framework,
    policy,
    listener,
    requests: tally.sent,
    posts: tally.posts,
    connections: tally.connections,
    restarts: restarts.length,
    seconds: took,
    lost: lostIn(tally),
    lostPer10000: Number(rate(column).toFixed(2)),
    lostByCause: Object.fromEntries(causes.filter((cause) => tally.lost[cause] > 0).map((cause) => [cause, tally.lost[cause]])),
    lostInAcceptQueue: policy === 'bare' ? null : findings.filter(({ acceptQueue }) => acceptQueue).length,
    lostByWhatTheProxySays: byWhatTheProxySays(findings),
    uncleanDrains: restarts.filter(({ code }) => code !== 0).length,
    drainMs: { median: median(drains), longest: Math.max(...drains) },
    broken: broken(column) ?? null,
  }
}

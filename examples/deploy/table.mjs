import { causes, kinds, lostIn } from './tally.mjs'

/**
 * @typedef {{ framework: string, policy: string, tally: import('./tally.mjs').Tally, restarts: import('./cluster.mjs').Restart[] }} Column
 */

/** @type {Record<import('./tally.mjs').Cause, string>} */
const causeNames = {
  refused: 'connection refused',
  reset: 'reset before the answer',
  eof: 'EOF before the answer',
  cut: 'body cut',
  unavailable: '503',
  stalled: 'no answer in 15 s',
  wrong: 'wrong answer',
}
/** @type {Record<import('./tally.mjs').Kind, string>} */
const kindNames = {
  get: 'GET',
  post: 'POST, not idempotent',
  download: 'download, streamed',
  upload: 'upload, rejected early',
}
const always = new Set(['refused', 'reset', 'eof', 'cut', 'unavailable'])

/** @param {Column} column */
export const isHttp2 = ({ framework }) => framework.endsWith('-h2')
/** @param {number} value */
const count = (value) => value.toLocaleString('en')
/** @param {number} ms */
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** @param {Column[]} columns @returns {[label: string, ...cells: string[]][]} */
function rowsOf(columns) {
  /** @param {string} label @param {(column: Column) => string} cell @returns {[string, ...string[]]} */
  const row = (label, cell) => [label, ...columns.map(cell)]
  return [
    row('requests sent', ({ tally }) => count(tally.sent)),
    row('answered', ({ tally }) => count(tally.answered)),
    ...(columns.some(isHttp2)
      ? [row('  told not run, asked again', (column) => (isHttp2(column) ? count(column.tally.askedAgain) : '–'))]
      : []),
    row('lost', ({ tally }) => count(lostIn(tally))),
    ...causes
      .filter((cause) => always.has(cause) || columns.some(({ tally }) => tally.lost[cause] > 0))
      .map((cause) => row(`  ${causeNames[cause]}`, ({ tally }) => count(tally.lost[cause]))),
    row('lost, by request', () => ''),
    ...kinds.map((kind) => row(`  ${kindNames[kind]}`, ({ tally }) => count(tally.lostOf[kind]))),
    row('connections', ({ tally }) => count(tally.connections)),
    row('idle ones closed within their promise', (column) => (isHttp2(column) ? '–' : count(column.tally.closedEarly))),
    row('restarts', ({ restarts }) => count(restarts.length)),
    row('  not clean (exit code not 0)', ({ restarts }) => count(restarts.filter(({ code }) => code !== 0).length)),
    row('time per drain, median', ({ restarts }) => (restarts.length > 0 ? seconds(median(restarts.map(({ ms }) => ms))) : '–')),
    row('time per drain, longest', ({ restarts }) =>
      restarts.length > 0 ? seconds(Math.max(...restarts.map(({ ms }) => ms))) : '–',
    ),
  ]
}

/** @param {Column[]} columns */
export function formatTable(columns) {
  const heads = [
    ['', ...columns.map(({ framework }) => framework)],
    ['', ...columns.map(({ policy }) => policy)],
  ]
  return layOut(heads, rowsOf(columns))
}

/** Columns under each other, with a rule below the heads. @param {string[][]} heads @param {string[][]} rows */
export function layOut(heads, rows) {
  const widths = [...heads, ...rows].reduce(
    (most, row) => row.map((cell, index) => Math.max(most[index] ?? 0, cell.length)),
    /** @type {number[]} */ ([]),
  )
  /** @param {string[]} row */
  const line = (row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
      .join('   ')
      .trimEnd()
  const rule = widths.map((width) => '─'.repeat(width)).join('───')
  return [...heads.map(line), rule, ...rows.map(line)].join('\n')
}

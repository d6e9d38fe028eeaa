// The results for people.
import { targetsOf } from './targets.mjs'
import { labelOf } from './variants.mjs'

const whole = (value) => (value === undefined || value === null ? '' : Math.round(value).toLocaleString('en'))
const ratio = (value) => (value === undefined ? '' : value.toFixed(3))
const fixed = (digits) => (value) => (value === undefined ? '' : value.toFixed(digits))
const quartiles = (value) => (value === undefined ? '' : `${ratio(value.low)}–${ratio(value.high)}`)

/** The columns of each part: a head, and how a row's cell is read. */
const loads = [
  ['', ({ host }) => host],
  ['', ({ variant }) => labelOf(variant)],
  ['ratio to bare', (row) => ratio(row.ratio.median)],
  ['quartiles', (row) => quartiles(row.ratio)],
  ['to one with tick shape kept', (row) => ratio(row.like?.median)],
  ['median, 95 %', (row) => quartiles(row.within)],
  ['processes', (row) => String(row.perGeneration.length)],
  ['cheapest tenth', (row) => ratio(row.floorRatio)],
  ['CPU µs/request', (row) => fixed(1)(row.microseconds.total)],
  ['requests/s', (row) => whole(row.perSecond)],
]
const columns = {
  cpu: loads,
  churn: loads,
  instructions: [
    ['', ({ host }) => host],
    ['', ({ variant }) => labelOf(variant)],
    ['connections', ({ way }) => way],
    ['ratio to bare', (row) => ratio(row.ratio)],
    ['instructions/request', (row) => whole(row.instructions)],
  ],
  idle: [
    ['', ({ host }) => host],
    ['', ({ variant }) => labelOf(variant)],
    ['heap over bare, bytes', (row) => whole(row.heapOverBare)],
    ['heap, bytes', (row) => whole(row.heap.median)],
    ['RSS over bare, bytes', (row) => whole(row.rssOverBare)],
    ['RSS, bytes', (row) => whole(row.rss.median)],
  ],
  drain: [
    ['', ({ host }) => host],
    ['', ({ label }) => label],
    ['connections', (row) => `${whole(row.count)} ${row.kind}`],
    ['ms', (row) => whole(row.ms)],
    ['longest stall, ms', (row) => whole(row.stall)],
    ['of it CPU', (row) => whole(row.stallCpu)],
    ['CPU ms', (row) => whole(row.cpu)],
    ['answered', (row) => (row.kind === 'busy' ? whole(row.answered) : '')],
  ],
  linger: [
    ['', ({ host }) => host],
    ['', ({ variant }) => labelOf(variant)],
    ['saw the 413', (row) => `${row.answered} of ${row.clients}`],
    ['still lingering', (row) => whole(row.open)],
    ['RSS before, MB', (row) => whole(row.before)],
    ['lowest', (row) => whole(row.lowest)],
    ['highest', (row) => whole(row.highest)],
    ['CPU, cores', (row) => fixed(2)(row.cores)],
    ['MB/s taken', (row) => whole(row.megabytesPerSecond)],
  ],
  pipeline: [
    ['', ({ host }) => host],
    ['', ({ variant }) => labelOf(variant)],
    ['handler', ({ handler }) => handler],
    ['ratio to bare', (row) => ratio(row.ratio.median)],
    ['quartiles', (row) => quartiles(row.ratio)],
    ['CPU µs/request', (row) => fixed(1)(row.microseconds.total)],
    ['requests/s', (row) => whole(row.perSecond)],
  ],
  scale: [
    ['', ({ variant }) => labelOf(variant)],
    ['connections', (row) => whole(row.count)],
    ['attach, CPU µs each', (row) => row.skipped ?? fixed(1)(row.attach)],
    ['request + promise', (row) => fixed(1)(row.promise)],
    ['expire', (row) => fixed(1)(row.expire)],
    ['drain', (row) => fixed(1)(row.drain)],
    ['heap, bytes each', (row) => whole(row.heap)],
    ['expire stall, ms', (row) => whole(row.expireStall)],
    ['drain stall, ms', (row) => whole(row.drainStall)],
    ['of it CPU', (row) => whole(row.drainStallCpu)],
  ],
  size: [
    ['', ({ name }) => name],
    ['version', ({ version }) => version],
    ['packed, kB', (row) => fixed(1)(row.packed / 1_000)],
    ['unpacked, kB', (row) => fixed(1)(row.unpacked / 1_000)],
    ['dependencies', (row) => whole(row.dependencies)],
    ['unpacked with them, kB', (row) => fixed(1)(row.withDependencies / 1_000)],
  ],
  micro: [
    ['', ({ question }) => question],
    ['', ({ way }) => way],
    ['ns', (row) => fixed(0)(row.nanoseconds)],
    ['±', (row) => `${row.margin.toFixed(1)} %`],
  ],
}

export function tableOf(results) {
  const { machine, parts } = results
  const blocks = Object.entries(parts).map(([name, part]) => {
    const run = [part.seconds && `measured in ${part.seconds} s`, part.of && `at ${part.of.commit}, ${part.of.date}`].filter(
      Boolean,
    )
    const head = `${part.title}${run.length === 0 ? '' : ` (${run.join(', ')})`}`
    if (part.failed) return `${head}: FAILED: ${part.failed}`
    if (part.skipped) return `${head}: skipped: ${part.skipped}`
    return `${head}\n${rows(columns[name], part.rows)}${part.note ? `\n${part.note}` : ''}`
  })
  const targets = targetsOf(results)
  if (targets.length > 0) {
    blocks.push(
      `Targets\n${rows(
        [
          ['', ({ what }) => what],
          ['at most', ({ most }) => String(most)],
          ['measured', ({ value }) => value.toFixed(most(value))],
          ['', ({ met }) => (met ? 'met' : 'MISSED')],
        ],
        targets,
      )}`,
    )
  }
  return [`Node ${machine.node}, ${machine.cpu}, ${machine.system}, ${machine.commit}, ${machine.date}`, ...blocks].join('\n\n')
}

const most = (value) => (value < 10 ? 3 : 0)

function rows(columns, values) {
  const cells = [columns.map(([head]) => head), ...values.map((value) => columns.map(([, read]) => read(value)))]
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index].length)))
  const textual = columns.map(([head]) => head === '')
  return cells
    .map((row) =>
      row
        .map((cell, index) => (textual[index] ? cell.padEnd(widths[index]) : cell.padStart(widths[index])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

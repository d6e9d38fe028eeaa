// The ratios and the memory, to look at.
import { targetsOf } from './targets.mjs'
import { labelOf } from './variants.mjs'

const WIDTH = 900
const LEFT = 250
const RIGHT = 70
const ROW = 22
const TOP = 64

export function chartOf(results) {
  const { machine, parts } = results
  const targets = targetsOf(results)
  const charts = [
    ratios('CPU time per request, ratio to bare: median and quartiles', parts.cpu?.rows, targets),
    bars('Heap per idle connection, bytes over the bare host', parts.idle?.rows, ({ heapOverBare }) => heapOverBare),
    ratios('Connection churn, ratio to bare: median and quartiles', parts.churn?.rows, targets),
  ].filter((chart) => chart !== undefined)
  let y = TOP
  const drawn = charts.map(({ height, draw }) => {
    const group = `<g transform="translate(0 ${y})">${draw}</g>`
    y += height
    return group
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="12" fill="#222" role="img">
<title>What halfclose costs</title>
<rect width="${WIDTH}" height="${y}" fill="#fff"/>
<text x="20" y="26" font-size="16" font-weight="600">What halfclose costs</text>
<text x="20" y="44" fill="#666">${escaped(`Node ${machine.node}, ${machine.cpu}, ${machine.system}, ${machine.commit}, ${machine.date.slice(0, 10)}`)}</text>
${drawn.join('\n')}
</svg>
`
}

function ratios(title, rows, targets) {
  if (rows === undefined) return undefined
  const shown = rows.filter(({ variant }) => variant !== 'bare')
  const from = Math.min(0.95, ...shown.map(({ ratio }) => ratio.low))
  const to = Math.max(1.1, ...shown.map(({ ratio }) => ratio.high))
  const x = scale(from, to)
  const missed = new Set(targets.filter(({ met }) => !met).map(({ what }) => what))
  const lines = shown.map((row, index) => {
    const y = 40 + index * ROW
    const { median, low, high } = row.ratio
    const color = colorOf(
      row,
      [...missed].some((what) => what.includes(row.host) && what.includes(row.variant)),
    )
    return `${nameOf(row, y)}<line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" stroke="${color}" stroke-width="2"/><circle cx="${x(median)}" cy="${y}" r="4" fill="${color}"/>${figure(median.toFixed(3), y)}`
  })
  const height = 60 + shown.length * ROW
  const bare = `<line x1="${x(1)}" x2="${x(1)}" y1="26" y2="${height - 22}" stroke="#999" stroke-dasharray="3 3"/><text x="${x(1)}" y="22" text-anchor="middle" fill="#666">1</text>`
  return { height, draw: `<text x="20" y="10" font-weight="600">${title}</text>${bare}${lines.join('')}` }
}

function bars(title, rows, read) {
  if (rows === undefined) return undefined
  const shown = rows.filter((row) => row.variant !== 'bare' && read(row) !== undefined)
  const x = scale(Math.min(0, ...shown.map(read)), Math.max(1, ...shown.map(read)))
  const lines = shown.map((row, index) => {
    const y = 34 + index * ROW
    const [from, to] = [x(0), x(read(row))].sort((a, b) => a - b)
    return `${nameOf(row, y)}<rect x="${from}" y="${y - 6}" width="${Math.max(1, to - from)}" height="12" fill="${colorOf(row, false)}"/>${figure(String(Math.round(read(row))), y)}`
  })
  return { height: 60 + shown.length * ROW, draw: `<text x="20" y="10" font-weight="600">${title}</text>${lines.join('')}` }
}

function scale(from, to) {
  return (value) => Math.round((LEFT + ((value - from) / (to - from)) * (WIDTH - LEFT - RIGHT - 20)) * 10) / 10
}

const colorOf = ({ variant }, missed) =>
  variant === 'halfclose' || variant === 'counting' ? (missed ? '#c0392b' : '#1a7f4b') : '#8a94a0'
const nameOf = ({ host, variant }, y) => `<text x="20" y="${y + 4}">${escaped(`${host}, ${labelOf(variant)}`)}</text>`
const figure = (text, y) => `<text x="${WIDTH - 20}" y="${y + 4}" text-anchor="end">${text}</text>`
const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

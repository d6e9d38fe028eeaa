/**
 * @template Row
 * @typedef {readonly [title: string, cell: (row: Row) => string | number]} Column
 */

/**
 * What an experiment found: rows of raw figures, and how to print them.
 * @template [Row=any]
 * @typedef {{ setup: string, columns: Column<Row>[], rows: Row[], shows: string, notes?: string[] | undefined }} Findings
 */

/** Tells how far an experiment is. @typedef {(text: string) => void} Say */

/** @param {number} value */
export const ms = (value) => (value < 10 ? value.toFixed(2) : value.toFixed(0))

/** @param {number} value */
export const count = (value) => value.toLocaleString('en')

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/**
 * @template Row
 * @param {Column<Row>[]} columns
 * @param {Row[]} rows
 */
export function formatTable(columns, rows) {
  const lines = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, cell]) => String(cell(row))))]
  const widths = columns.map((_, index) => Math.max(...lines.map((cells) => cells[index]?.length ?? 0)))
  const [head = '', ...body] = lines.map((cells) =>
    cells.map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0))).join('  '),
  )
  return [head.trimEnd(), widths.map((width) => '─'.repeat(width)).join('──'), ...body.map((line) => line.trimEnd())].join('\n')
}

/** Breaks a sentence into lines of a terminal's width. @param {string} text @param {string} [indent] */
export function wrap(text, indent = '') {
  const lines = ['']
  for (const word of text.split(' ')) {
    const last = lines[lines.length - 1] ?? ''
    if (last !== '' && last.length + 1 + word.length > 110 - indent.length) lines.push(word)
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`
  }
  return lines.map((line, index) => (index === 0 ? line : indent + line)).join('\n')
}

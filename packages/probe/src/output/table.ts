import type { Report, Result } from '../engine/result.js'
import type { Outcome } from '../engine/verdict.js'
import { SIGNS, TIERS } from './words.js'

const COLOURS: Record<Outcome, number> = { pass: 32, fail: 31, warn: 33, yes: 36, no: 36, 'not applicable': 90 }

/** The report as a text table. */
export function table(report: Report, { colour = false } = {}): string {
  const paint = (outcome: Outcome, text: string) => (colour ? `\u001b[${COLOURS[outcome]}m${text}\u001b[0m` : text)
  const width = Math.max(0, ...report.results.map(({ id }) => id.length))
  const line = ({ outcome, id, level, detail }: Result) =>
    `  ${paint(outcome, `${SIGNS[outcome]} ${outcome.padEnd(14)}`)} ${id.padEnd(width)}  ${level.padEnd(9)}  ${detail}`
  const parts = report.scores.map(({ tier, kept, applicable, ms }) => {
    const mine = report.results.filter((one) => one.tier === tier)
    const subjects = [...new Set(mine.map(({ subject }) => subject))]
    const groups = subjects.map((subject) =>
      [`\n ${subject}`, ...mine.filter((one) => one.subject === subject).map(line)].join('\n'),
    )
    return `${TIERS[tier]}\n${groups.join('\n')}\n\n  ${kept} of ${applicable} rules that apply are kept; behaviour is not counted. It took ${Math.round(ms / 1_000)} s.\n`
  })
  return `${report.url}${report.facts.server === undefined ? '' : `  (${report.facts.server})`}\n\n${parts.join('\n')}`
}

import type { Report, Result } from '../engine/result.js'
import type { Recorded } from '../engine/scene.js'
import { escapeHtml } from './escape.js'
import { style } from './style.js'
import { SIGNS, scoreInWords, TIERS } from './words.js'

/** The report as one page that loads nothing. */
export function html(report: Report): string {
  const url = escapeHtml(report.url)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${url}: halfclose-probe</title>
<style>${style}</style>
<h1>How ${url} manages its connections</h1>
<p>${escapeHtml(report.facts.server ?? 'The server does not say what it is')}; probed ${report.at} by halfclose-probe ${report.probe}.</p>
<p class="scores">${report.scores.map((score) => `<strong>${scoreInWords(score)}</strong>`).join(' ')} rules that apply are kept; behaviour is not counted.</p>
${report.scores
  .map(({ tier }) =>
    section(
      TIERS[tier],
      report.results.filter((one) => one.tier === tier),
    ),
  )
  .join('\n')}
</html>
`
}

function section(title: string, results: Result[]): string {
  return `<h2>${title}</h2>
<table>
<thead><tr><th>Verdict<th>Check<th>Level<th>What was seen</thead>
<tbody>
${results.map(row).join('\n')}
</tbody>
</table>`
}

function row(result: Result): string {
  const { outcome, id, level, section: where, title, detail, trials } = result
  const seen =
    trials.length === 0 ? escapeHtml(detail) : `<details><summary>${escapeHtml(detail)}</summary>${transcripts(result)}</details>`
  return `<tr><td class="${outcome.replace(' ', '-')}">${SIGNS[outcome]} ${outcome}<td><strong>${escapeHtml(title)}</strong><br><code>${id}</code>, ${escapeHtml(where)}<td>${level}<td>${seen}`
}

function transcripts({ trials }: Result): string {
  return trials.map(({ connections }) => connections.map((one, index) => transcript(one, index)).join('')).join('<hr>')
}

/** The transcript of one connection. */
export function transcript({ lines }: Recorded, index: number): string {
  const text = lines.map(({ at, what }) => `${String(at).padStart(6)} ms  ${what}`).join('\n')
  return `<p>Connection ${index + 1}</p><pre>${escapeHtml(text)}</pre>`
}

// docs/probe/index.html: a row for each check, a column for each server, what was seen behind every cell. Nothing but HTML and CSS.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './steps.mjs'

const SIGNS = { pass: '✓', fail: '✗', warn: '!', yes: '+', no: '−', 'not applicable': '·' }
const WORDS = {
  pass: 'the rule is kept',
  fail: 'a MUST is broken',
  warn: 'a SHOULD is not kept',
  yes: 'behaviour that is there, with what was measured',
  no: 'behaviour that is not there',
  'not applicable': 'the reason is behind it',
}
const TIERS = { a: 'Seen from outside', b: 'With a path that takes its time', c: 'When the process is stopped' }
/** RFC 9112, chapter 9: what each section asks of a server, in a sentence of ours. */
const SECTIONS = [
  ['9.1', 'Establishment', 'How connections come about is left to TCP and the scheme.'],
  ['9.2', 'Associating a response to a request', 'Responses carry no name: their order on the connection is all there is.'],
  ['9.3', 'Persistence', 'A connection stays unless one side says close, or the version or the framing forbids it.'],
  [
    '9.3.1',
    'Retrying requests',
    'A client repeats by itself only what is idempotent: a request that is lost may be lost for good.',
  ],
  ['9.3.2', 'Pipelining', 'Requests may come in one go; answers come in their order, and only safe ones are run in parallel.'],
  ['9.4', 'Concurrency', 'A server may bound how many connections one client has.'],
  [
    '9.5',
    'Failures and time-outs',
    'Idle connections end after a time; a server that ends one looks for a request that is on its way.',
  ],
  [
    '9.6',
    'Tear-down',
    'close is said, nothing behind it is run, and the output is closed first, so that the last answer is not lost.',
  ],
  ['9.7', 'TLS connection initiation', 'HTTP/1 begins once TLS stands.'],
  ['9.8', 'TLS connection closure', 'close_notify comes before the end, or the end is not to be trusted.'],
]

const escapeHtml = (text) => text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign])
const kind = (outcome) => outcome.replace(' ', '-')
const expected = ({ level }) => (level === 'behaviour' ? '<td class="told">told' : '<td class="pass">✓ pass')
const resultOf = (report, id) => report.results.find((one) => one.id === id)

function transcript({ lines }, index) {
  const text = lines.map(({ at, what }) => `${String(at).padStart(6)} ms  ${what}`).join('\n')
  return `<p>Connection ${index + 1}<pre>${escapeHtml(text)}</pre>`
}

function cell(rule, report) {
  const result = resultOf(report, rule.id)
  if (result === undefined) return '<td>'
  const { outcome, detail, trials } = result
  const words = `${report.title}, ${rule.id}: ${outcome}`
  const seen = trials
    .flatMap(({ connections }) => connections)
    .map(transcript)
    .join('')
  return `<td class="${kind(outcome)}"><details name="cell"><summary title="${escapeHtml(`${words}, ${detail}`)}"><span aria-hidden="true">${SIGNS[outcome]}</span><span class="word">${outcome === 'not applicable' ? 'n/a' : outcome}</span></summary><div><h4>${escapeHtml(words)}</h4><p>${escapeHtml(rule.title)}<p><strong>${escapeHtml(detail)}</strong>${seen}</div></details>`
}

function row(rule, reports) {
  return `<tr data-level="${rule.level}"><th scope="row"><details class="rule"><summary>${escapeHtml(rule.title)}</summary><p>Sent: ${escapeHtml(rule.sends)}<p>Expected: ${escapeHtml(rule.expects)}<p>${escapeHtml(rule.why)}</details><small><code>${rule.id}</code> ${rule.level}, ${escapeHtml(rule.section)}</small>${expected(rule)}${reports.map((report) => cell(rule, report)).join('')}`
}

const columns = (reports) =>
  `<th scope="col">Check<th scope="col">Expected${reports.map(({ title, version }) => `<th scope="col">${escapeHtml(title)}<br><small>${escapeHtml(version)}</small>`).join('')}`

function score(reports, tier) {
  const cells = reports.map(({ scores }) => {
    const found = scores.find((one) => one.tier === tier)
    return `<td class="score">${found === undefined ? '' : `${found.kept}/${found.applicable}`}`
  })
  return `<tr class="score"><th scope="row">Rules kept, of those that apply<td>${cells.join('')}`
}

function tierTable(tier, rules, reports) {
  const mine = rules.filter((rule) => rule.tier === tier)
  const subjects = [...new Set(mine.map(({ subject }) => subject))]
  const groups = subjects.map(
    (subject) =>
      `<tbody><tr class="subject"><th scope="rowgroup" colspan="${reports.length + 2}"><span>${escapeHtml(subject)}</span>\n${mine
        .filter((one) => one.subject === subject)
        .map((rule) => row(rule, reports))
        .join('\n')}</tbody>`,
  )
  return `<h2 id="tier-${tier}">Tier ${tier}: ${TIERS[tier]}</h2>
<div class="wide" tabindex="0" role="region" aria-labelledby="tier-${tier}"><table><thead><tr>${columns(reports)}</thead>
<tbody>${score(reports, tier)}</tbody>
${groups.join('\n')}</table></div>`
}

function sectionTable(rules, reports) {
  const rows = SECTIONS.map(([number, title, sentence]) => {
    const mine = rules.filter(({ section }) => new RegExp(`9112[^R]*§${number.replaceAll('.', '\\.')}(?![.\\d])`).test(section))
    const cells = reports.map((report) => {
      const signs = mine.map(({ id, title: words }) => {
        const outcome = resultOf(report, id)?.outcome ?? 'not applicable'
        return `<span class="${kind(outcome)}" title="${escapeHtml(`${words} ${outcome}`)}">${SIGNS[outcome]}</span>`
      })
      return `<td>${signs.join('')}`
    })
    const which =
      mine.length === 0
        ? 'no check: it asks nothing of a server that can be seen from outside'
        : mine.map(({ id }) => `<code>${id}</code>`).join(', ')
    return `<tr><th scope="row">§${number} ${title}<br><small>${escapeHtml(sentence)}</small><br><small>${which}</small><td>${'✓'.repeat(mine.filter(({ level }) => level !== 'behaviour').length)}${cells.join('')}`
  })
  return `<h2 id="rfc">RFC 9112, chapter 9, section by section</h2>
<div class="wide" tabindex="0" role="region" aria-labelledby="rfc"><table><thead><tr>${columns(reports)}</thead><tbody>${rows.join('\n')}</tbody></table></div>`
}

/** The page, of the rules in words and the reports of the servers. */
export function page(rules, reports) {
  const style = readFileSync(join(root, 'scripts/probe-page.css'), 'utf8')
  const days = reports.map(({ at }) => at.slice(0, 10)).sort()
  const radios = ['all', 'MUST', 'SHOULD', 'behaviour']
    .map(
      (level) =>
        `<label><input type="radio" name="level" id="show-${level}"${level === 'all' ? ' checked' : ''}> ${level}</label>`,
    )
    .join('\n')
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>How HTTP servers keep, announce and end their connections</title>
<style>
${style}</style>
<h1>How HTTP servers keep, announce and end their connections</h1>
<p>Real servers, each as its distribution or registry has it, with the shortest configuration that its own documentation shows, asked over raw sockets by
<a href="../../packages/probe/README.md">halfclose-probe</a>${days.length > 0 ? ` on ${days.at(-1)}` : ''}. <code>npm run probe:servers</code> does it again. Over plain TCP: what is about TLS is not applicable here, HTTP/2 is tried by
prior knowledge. Every sign opens: what was sent and seen is behind it.</p>
<ul class="key">${Object.entries(SIGNS)
    .map(([outcome, sign]) => `<li class="${kind(outcome)}">${sign} ${outcome}: ${WORDS[outcome]}`)
    .join('')}</ul>
<p>Servers of files answer the root by themselves, and the slow and the endless path through a proxy module, from one small application. What a server does
when it is stopped is a choice of its defaults: tier c ranks nobody. A process had 15 s to end. Some servers stop gracefully by another signal than SIGTERM: ${reports
    .filter(({ stop }) => stop !== 'SIGTERM')
    .map(({ title, stop }) => `${title} by ${stop}`)
    .join(', ')}.</p>
<form><fieldset><legend>Level</legend>
${radios}</fieldset></form>
${['a', 'b', 'c'].map((tier) => tierTable(tier, rules, reports)).join('\n')}
${sectionTable(rules, reports)}
</html>
`
}

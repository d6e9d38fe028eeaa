// docs/probe/index.html: a row for each check, a column for each server, what was seen behind every cell. Nothing but HTML and CSS.
// `node scripts/probe-page.mjs write` draws it of docs/probe/results, `check` compares. It takes the rules from the package as it is built.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './steps.mjs'

/** The servers, in the order of their columns. */
export const ORDER =
  'nginx apache haproxy caddy lighttpd h2o gunicorn uvicorn puma tomcat go node-http node-express node-fastify node-hono halfclose-http halfclose-express halfclose-fastify'.split(
    ' ',
  )

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

/** What a server is made of, with versions. */
const versionsOf = ({ version, modules }) => (modules.length > 0 ? [`Node ${version}`, ...modules] : [version])

const column = (report) =>
  `<th scope="col">${escapeHtml(report.title)}${versionsOf(report)
    .map((one) => `<br><small>${escapeHtml(one)}</small>`)
    .join('')}`

const columns = (reports) => `<th scope="col">Check<th scope="col">Expected${reports.map(column).join('')}`

function score(reports, tier, title) {
  const cells = reports.map(({ scores }) => {
    const found = scores.find((one) => one.tier === tier)
    return `<td class="score">${found === undefined ? '' : `${found.kept}/${found.applicable}`}`
  })
  return `<tr class="score"><th scope="row">${title}<td>${cells.join('')}`
}

/** A heading and a table that scrolls by itself. */
const wide = (id, title, reports, bodies) => `<h2 id="${id}">${title}</h2>
<div class="wide" tabindex="0" role="region" aria-labelledby="${id}"><table><thead><tr>${columns(reports)}</thead>
${bodies.join('\n')}</table></div>`

/** The rules by subject, a row for each. */
function groups(rules, reports) {
  const subjects = [...new Set(rules.map(({ subject }) => subject))]
  return subjects.map((subject) => {
    const rows = rules.filter((one) => one.subject === subject).map((rule) => row(rule, reports))
    return `<tbody><tr class="subject"><th scope="rowgroup" colspan="${reports.length + 2}"><span>${escapeHtml(subject)}</span>\n${rows.join('\n')}</tbody>`
  })
}

function tierTable(tier, rules, reports) {
  const mine = rules.filter((rule) => rule.tier === tier && rule.subject !== 'TLS')
  const kept = `<tbody>${score(reports, tier, 'Rules kept, of those that apply')}</tbody>`
  return wide(`tier-${tier}`, `Tier ${tier}: ${TIERS[tier]}`, reports, [kept, ...groups(mine, reports)])
}

/** All tiers in one table, and what is about TLS first. */
function tlsTable(rules, reports) {
  const kept = ['a', 'b', 'c'].map((tier) => score(reports, tier, `Tier ${tier}: rules kept, of those that apply`)).join('\n')
  const ofTls = ({ subject }) => subject === 'TLS'
  const ordered = [...rules.filter(ofTls), ...rules.filter((rule) => !ofTls(rule))]
  return wide('tls', 'All tiers over TLS', reports, [`<tbody>${kept}</tbody>`, ...groups(ordered, reports)])
}

/** The outcome over plain TCP; where a rule is about TLS, the one over TLS. */
function outcomeOf(rule, report, secure) {
  const asked = rule.subject === 'TLS' ? secure.find(({ name }) => name === report.name) : report
  return (asked && resultOf(asked, rule.id)?.outcome) ?? 'not applicable'
}

function sectionRow([number, title, sentence], rules, { plain, secure }) {
  const mine = rules.filter(({ section }) => new RegExp(`9112[^R]*§${number.replaceAll('.', '\\.')}(?![.\\d])`).test(section))
  const cells = plain.map((report) => {
    const signs = mine.map((rule) => {
      const outcome = outcomeOf(rule, report, secure)
      return `<span class="${kind(outcome)}" title="${escapeHtml(`${rule.title} ${outcome}`)}">${SIGNS[outcome]}</span>`
    })
    return `<td>${signs.join('')}`
  })
  const which =
    mine.length === 0
      ? 'no check: it asks nothing of a server that can be seen from outside'
      : mine.map(({ id }) => `<code>${id}</code>`).join(', ')
  const expectedSigns = '✓'.repeat(mine.filter(({ level }) => level !== 'behaviour').length)
  return `<tr><th scope="row">§${number} ${title}<br><small>${escapeHtml(sentence)}</small><br><small>${which}</small><td>${expectedSigns}${cells.join('')}`
}

function sectionTable(rules, reports) {
  const rows = SECTIONS.map((section) => sectionRow(section, rules, reports))
  return wide('rfc', 'RFC 9112, chapter 9, section by section', reports.plain, [`<tbody>${rows.join('\n')}</tbody>`])
}

/** The page, of the rules in words and the reports of the servers: over plain TCP, and over TLS. */
export function page(rules, { plain, secure }) {
  const style = readFileSync(join(root, 'scripts/probe-page.css'), 'utf8')
  const days = [...plain, ...secure].map(({ at }) => at.slice(0, 10)).sort()
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
<a href="../../packages/probe/README.md">halfclose-probe</a>${days.length > 0 ? ` on ${days.at(-1)}` : ''}. <code>npm run probe:servers</code> does it again. Over plain TCP HTTP/2 is tried by prior knowledge. Servers whose shortest configuration can speak TLS are
asked once more over TLS, in <a href="#tls">a table of their own</a>. Every sign opens: what was sent and seen is behind it.</p>
<ul class="key">${Object.entries(SIGNS)
    .map(([outcome, sign]) => `<li class="${kind(outcome)}">${sign} ${outcome}: ${WORDS[outcome]}`)
    .join('')}</ul>
<p>Servers of files answer the root by themselves, and the slow and the endless path through a proxy module, from one small application. What a server does
when it is stopped is a choice of its defaults: tier c ranks nobody. A server had 95 s to
let go a client, and a process 15 s to end. Some servers stop gracefully by another signal than SIGTERM: ${plain
    .filter(({ stop }) => stop !== 'SIGTERM')
    .map(({ title, stop }) => `${title} by ${stop}`)
    .join(', ')}.</p>
<form><fieldset><legend>Level</legend>
${radios}</fieldset></form>
${['a', 'b', 'c'].map((tier) => tierTable(tier, rules, plain)).join('\n')}
${tlsTable(rules, secure)}
${sectionTable(rules, { plain, secure })}
</html>
`
}

function reportsOf(names) {
  const files = names.map((name) => join(root, 'docs/probe/results', `${name}.json`))
  return files.filter((file) => existsSync(file)).map((file) => JSON.parse(readFileSync(file, 'utf8')))
}

const [, program, mode] = process.argv
if (program?.endsWith('probe-page.mjs')) {
  const { rules } = await import('../packages/probe/dist/index.mjs')
  const drawn = page(rules, { plain: reportsOf(ORDER), secure: reportsOf(ORDER.map((name) => `${name}-tls`)) })
  const file = join(root, 'docs/probe/index.html')
  if (mode === 'write') writeFileSync(file, drawn)
  else if (readFileSync(file, 'utf8') !== drawn) {
    console.error('docs/probe/index.html is not what docs/probe/results and the rules make: node scripts/probe-page.mjs write')
    process.exit(1)
  }
}

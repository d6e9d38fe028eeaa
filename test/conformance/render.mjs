// docs/conformance.md from rules.json, exempt.json and results.json: prints it; `node test/conformance/render.mjs write` writes it.
import { readFileSync, writeFileSync } from 'node:fs'
import { hosts, nodes, read } from './results.mjs'

const json = (name) => JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8'))
const rules = json('rules.json')
const exempt = json('exempt.json')
const fastify6 = json('../../package.json').devDependencies['fastify-6'].split('@').at(-1)
const results = read()

/** What Express and Fastify do with the contract is in docs/comparison.md. */
const BARE = ['http', 'https', 'http2', 'https2', 'https2and1']

/** Cases that cannot be asked of a bare server: they need an option that Node does not have, so that a failure says nothing of the rule. */
const NEEDS_OUR_OPTION = [
  /^limits\//,
  /^conformance\/(close-notify-(limits|refused)|tls-dropped-before-the-handshake|tcp-keep-alive-)/,
  /^keep-alive\/(max-age|parameters|whole-seconds)$/,
  /^persist\/http10-(ignored|refused)$/,
  /^linger\/too-many$/,
]

/** Of the cases that hold a rule: [how many pass, of how many], on one Node or on all. */
function count(rule, mode, majors, on) {
  let [passed, all] = [0, 0]
  for (const [id, held] of Object.entries(results.rules)) {
    if (!held.includes(rule)) continue
    if (mode === 'bare' && NEEDS_OUR_OPTION.some((pattern) => pattern.test(id))) continue
    const letters = majors.flatMap((major) => [...(results.nodes[major]?.cases[id]?.[mode] ?? '')].filter((_, i) => on(hosts[i])))
    const tried = letters.filter((letter) => letter === 'p' || letter === 'f')
    if (tried.length === 0) continue
    all++
    if (!tried.includes('f')) passed++
  }
  return [passed, all]
}

const bareOf = (rule, major) => count(rule, 'bare', [major], (host) => BARE.includes(host))
const halfcloseOf = (rule) => count(rule, 'halfclose', nodes, () => true)
const holds = ([passed, all]) => all > 0 && passed === all

function cell([passed, all]) {
  if (all === 0) return '–'
  return passed === all ? 'pass' : `fail ${passed}/${all}`
}

const row = (cells) => `| ${cells.join(' | ')} |`
const plain = (text) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('*', '\\*')
const bareColumns = nodes.map((major) => `bare ${major}`)

function ruleRow({ id, section, level, rule, note = exempt[id] }) {
  const words = note === undefined ? plain(rule) : `${plain(rule)} *${plain(note)}*`
  const found = halfcloseOf(id)
  const ours = cell(found) === 'pass' ? `pass ${found[1]}` : cell(found)
  return row([id, plain(section), level, words, ...nodes.map((major) => cell(bareOf(id, major))), ours])
}

function table(source) {
  const head = ['rule', 'section', 'level', 'what it says', ...bareColumns, 'halfclose']
  const lines = [row(head), row(['---', '---', '---', '---', ...nodes.map(() => ':-:'), ':-:'])]
  return [`## ${source}`, '', ...lines, ...rules.filter((rule) => rule.source === source).map(ruleRow)].join('\n')
}

/** How many rules are kept, by how binding they are. Of those that a bare server can be asked about at all. */
function summary() {
  const levels = [
    ['must', /MUST/],
    ['should', /^(?!.*MUST).*(SHOULD|ought)/],
    ['may, and what the texts explain', /^(MAY|INFO)$/],
  ]
  const lines = [row(['', ...bareColumns, 'halfclose']), row(['---', ...nodes.map(() => '--:'), '--:'])]
  for (const [name, pattern] of levels) {
    const tried = rules.filter(({ id, level }) => pattern.test(level) && halfcloseOf(id)[1] > 0)
    const both = tried.filter(({ id }) => nodes.some((major) => bareOf(id, major)[1] > 0))
    const kept = nodes.map((major) => both.filter(({ id }) => holds(bareOf(id, major))).length)
    lines.push(
      row([
        name,
        ...kept.map((n) => `${n} of ${both.length}`),
        `${tried.filter(({ id }) => holds(halfcloseOf(id))).length} of ${tried.length}`,
      ]),
    )
  }
  return lines.join('\n')
}

function document() {
  const tested = rules.filter(({ id }) => halfcloseOf(id)[1] > 0)
  const versions = nodes.map((major) => results.nodes[major]?.version).filter((version) => version !== undefined)
  const ids = Object.keys(results.rules)
  const overHttp2 = ids.filter((id) => id.startsWith('h2-')).length
  const sources = [...new Set(rules.map(({ source }) => source))]
  return `# Conformance

This page says, rule by rule, which duties a server has towards its connections, and which servers fulfil them. ${rules.length} rules come from the texts named below. The contract
suite tests ${tested.length} of them over raw sockets, with ${ids.length - overHttp2} cases over HTTP/1 and ${overHttp2} over HTTP/2, on Node ${versions.join(', ')}. The other rules
are for clients or proxies, or the kernel keeps them: their row says so. "Bare" means without halfclose.

- A row is one rule: where it stands, how binding it is (INFO: the text explains and binds nobody), and what it says. What stands in *italics* behind it is ours.
- **pass**: every case of the rule passed, on every host that it is for. With halfclose on all four Node versions; the number is the number of cases.
- **fail 2/5**: only two of the rule's five cases passed. That does not always mean that the server is wrong. A rule may need something for which Node has no option,
  such as a \`max\` that counts down.
- **–**: not tested. Or all its cases need something that only halfclose has, such as counters, or an option that Node does not have.

The hosts are, for HTTP/1, \`http\`, \`https\`, Express 4 and 5, Fastify 4, 5 and 6. For HTTP/2 they are \`node:http2\` without TLS, with TLS, and with TLS and
\`allowHTTP1\`; Fastify 4, 5 and 6 without TLS; and with \`allowHTTP1\` Fastify 5 and 6 and Express 4 and 5. Bare Node is those without a framework.
Fastify 6 is ${fastify6}, and needs Node 24 or later. Some rules of HTTP/1 also apply to HTTP/2: the ids of their cases there begin with \`h2-\`.

The sentence of a rule is ours, not the text's. \`npm run jest -- test/contract test/http2 -t R125\` runs all cases of
one rule. A pass means that these cases pass. It does not mean that the server can never break the rule.

\`npm run test:matrix\` makes this page: it runs the whole contract on each Node version and writes \`test/conformance/results.json\`, from which the page is rendered.
\`npm test\` fails if one of the two is out of date. After a change to a few cases, \`npm run test:matrix -- --cases 'persist/'\` is enough.

${summary()}

${sources.map(table).join('\n\n')}
`
}

const page = document()
if (process.argv[2] === 'write') writeFileSync(new URL('../../docs/conformance.md', import.meta.url), page)
else process.stdout.write(page)

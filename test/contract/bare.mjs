// Which cases of the contract fail on servers without halfclose: `node test/contract/bare.mjs write` notes it in bare.json, `check` compares.
// Hosts behind it narrow it down, and --cases a part of their titles; what bare.json says of the others stays:
// `node test/contract/bare.mjs write http2 fastify5h2 --cases 'h2-stalled/'`
// It is for Node 20, on which Fastify 6 does not run: what that does bare, on Node 24 and 26, is in test/conformance/results.json.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')
const file = join(here, 'bare.json')
const { positionals, values } = parseArgs({ allowPositionals: true, options: { cases: { type: 'string' } } })
const [mode = 'check', ...patterns] = positionals
const whole = patterns.length === 0 && values.cases === undefined

const folder = mkdtempSync(join(tmpdir(), 'halfclose-bare-'))
const jest = [join(root, 'node_modules/jest/bin/jest.js'), '--silent', '--coverage=false', '--maxConcurrency=8']
const suites =
  patterns.length > 0
    ? patterns.map((name) => `test/(contract|http2)/${name}\\.test`)
    : ['test/contract/', 'test/http2/(?!clients)']
const narrowed = values.cases === undefined ? [] : ['-t', values.cases]
const { status } = spawnSync(process.execPath, [...jest, ...suites, ...narrowed], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, HALFCLOSE_BARE: folder },
})
if (status !== 0) process.exit(status ?? 1)

/** case → host → { result, why } */
const found = new Map()
for (const name of readdirSync(folder).sort()) {
  if (name.startsWith('fastify6')) continue
  const { cases, results } = JSON.parse(readFileSync(join(folder, name), 'utf8'))
  for (const one of cases.filter(({ id }) => results[id] !== undefined)) {
    const entry = found.get(one.id) ?? { ...one, bare: {} }
    entry.bare[name.replace('.json', '')] = results[one.id]
    found.set(one.id, entry)
  }
}
rmSync(folder, { recursive: true })

const verdict = (result) => (result === 'pass' ? 'pass' : 'fail')
const faults = []
for (const { id, regression, races, bare } of found.values()) {
  const results = Object.values(bare).map(verdict)
  const plain = bare.http ?? bare.http2
  const first = plain === undefined && results.includes('fail') ? 'fail' : verdict(plain ?? 'pass')
  if (regression && !races && first === 'fail')
    faults.push(`${id}: marked as something that a bare server does right, but it fails: ${bare.http ?? ''}`)
  if (!regression && first !== 'fail') faults.push(`${id}: never seen red: bare http passes it, or every host does`)
}

const plain = Object.fromEntries(
  [...found.values()].map(({ id, bare, ...rest }) => [
    id,
    { ...rest, bare: Object.fromEntries(Object.entries(bare).map(([name, result]) => [name, verdict(result)])) },
  ]),
)
if (mode === 'why') {
  for (const { id, bare } of found.values()) {
    for (const [name, result] of Object.entries(bare))
      console.log(`${id} on ${name}: ${result.replaceAll(/\s+/g, ' ').slice(0, 160)}`)
  }
} else if (mode === 'write') {
  const known = whole ? {} : JSON.parse(readFileSync(file, 'utf8'))
  for (const [id, one] of Object.entries(plain)) known[id] = { ...one, bare: { ...known[id]?.bare, ...one.bare } }
  writeFileSync(file, `${JSON.stringify(known, undefined, 2)}\n`)
  console.log(`${file}: ${found.size} cases`)
} else {
  const known = JSON.parse(readFileSync(file, 'utf8'))
  for (const [id, { bare, races }] of Object.entries(plain)) {
    for (const [name, result] of Object.entries(bare)) {
      const before = known[id]?.bare[name]
      if (before !== result && !races)
        faults.push(`${id} on bare ${name}: bare.json says ${before}, now ${result}: ${found.get(id).bare[name].slice(0, 300)}`)
    }
  }
  if (whole) for (const id of Object.keys(known)) if (!found.has(id)) faults.push(`${id}: in bare.json, but no longer a case`)
}
for (const fault of faults) console.error(fault)
process.exit(faults.length > 0 ? 1 : 0)

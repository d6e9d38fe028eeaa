// The contract suite on Node 20, 22, 24 and 26, bare and with halfclose: `npm run test:matrix` writes what came of it to
// test/conformance/results.json, and docs/conformance.md from that. Arguments narrow it down, and the rest of the file stays:
//   --node 20,24   --hosts http,https   --mode bare   --cases 'persist/|drain/in-flight'
// --check writes nothing: it fails where a case fails with halfclose, or where bare Node does other than the file says. Where neither Nodes nor mode are
// given, that is with halfclose on the Nodes that do not run this (`npm test` is for that one), and bare on the one that does.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { wronglyMarked } from '../test/conformance/red.mjs'
import { bareOn, hosts, letterOf, merge, nodes, read, runsOn, write } from '../test/conformance/results.mjs'
import { build, install, root, run, step, tool } from './steps.mjs'

const { values } = parseArgs({
  options: {
    node: { type: 'string' },
    hosts: { type: 'string', default: hosts.join() },
    mode: { type: 'string' },
    cases: { type: 'string' },
    check: { type: 'boolean', default: false },
  },
})
const running = process.versions.node.split('.')[0]
const { node: onNodes = nodes.join(), mode = 'bare,halfclose' } = values
const [majors, onHosts, modes] = [onNodes.split(','), values.hosts.split(','), mode.split(',')]
for (const [given, known] of [
  [majors, nodes],
  [onHosts, hosts],
  [modes, ['bare', 'halfclose']],
])
  for (const one of given) if (!known.includes(one)) throw new Error(`${one} is none of ${known.join(', ')}`)

const kept = join(root, 'coverage/matrix')
mkdirSync(kept, { recursive: true })
const faults = []
/** What the cases say of themselves, by their id. */
const told = new Map()

const whole = values.node === undefined && values.mode === undefined
const runs = majors
  .flatMap((major) => modes.map((each) => ({ major, mode: each })))
  .filter((one) => !values.check || !whole || (one.major === running) === (one.mode === 'bare'))
/** Most cases wait: the end of one run, where few are left, is the beginning of another. */
const RUNS_AT_ONCE = 2

await install()
const binaries = Object.fromEntries(majors.map((major) => [major, binaryOf(major)]))
if (!values.check) await build()
await Promise.all(
  Array.from({ length: RUNS_AT_ONCE }, async () => {
    for (let one = runs.shift(); one !== undefined; one = runs.shift()) {
      const { major, mode } = one
      await step(`Node ${major}, ${mode}`, () => play(major, binaries[major], mode), { live: true })
    }
  }),
)
if (!values.check) {
  const known = read()
  for (const [id, marks] of told) {
    const fault = wronglyMarked(
      marks,
      nodes.map((major) => bareOn(known, major)[id] ?? {}),
    )
    if (fault !== undefined) faults.push(`${id}: ${fault}`)
  }
  await step('docs/conformance.md', () => run(process.execPath, ['test/conformance/render.mjs', 'write']))
}
for (const fault of faults) console.error(fault)
process.exit(faults.length > 0 ? 1 : 0)

function binaryOf(major) {
  if (major === running) return process.execPath
  const print = ['--yes', '--package', `node@${major}`, 'node', '-p', 'process.execPath']
  return execFileSync('npx', print, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

async function play(major, node, mode) {
  const onThese = onHosts.filter((host) => runsOn(host, major))
  if (onThese.length === 0) return 'none of these hosts is for it'
  const found = await suite(node, mode, onThese, values.cases)
  if (mode === 'halfclose' && values.check) await playFailedAgain(major, node, found)
  const version = execFileSync(node, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
  const counts = { passed: 0, failed: 0 }
  if (mode === 'halfclose') {
    for (const { id, host, letter } of found) {
      counts[letter === 'p' ? 'passed' : 'failed']++
      if (letter !== 'p') faults.push(`${id} fails on ${host}, Node ${version}`)
    }
    if (found.length === 0) faults.push(`nothing ran on Node ${version}`)
  } else for (const one of found) told.set(one.id, one)
  if (mode === 'bare' && values.check) await compare(major, node, found, counts)
  if (values.check) writeFileSync(join(kept, `${major}-${mode}.json`), JSON.stringify(counts))
  else write(merge(read(), { major, version, mode, hosts: onThese, cases: values.cases, found }))
  return mode === 'halfclose' || values.check ? `${counts.passed} passed, ${counts.failed} failed` : `${found.length} played`
}

/** What failed beside hundreds of others is played again, alone, and named in the log: a fault fails both times, a machine that stood still does not. */
async function playFailedAgain(major, node, found) {
  const failed = found.filter(({ id, letter }) => letter === 'f' && id.includes('/'))
  if (failed.length === 0) return
  console.log(`again, since it failed on Node ${major}: ${failed.map(({ id, host }) => `${id} on ${host}`).join(', ')}`)
  const again = await suite(node, 'halfclose', [...new Set(failed.map(({ host }) => host))], patternOf(failed), { alone: true })
  for (const one of failed) one.letter = again.find(({ id, host }) => id === one.id && host === one.host)?.letter ?? 'f'
  // A case that fails leaves its sockets behind, which fails the file's last test as well.
  const stillFails = new Set(failed.filter(({ letter }) => letter === 'f').map(({ host }) => host))
  const mended = new Set(failed.map(({ host }) => host).filter((host) => !stillFails.has(host)))
  for (const one of found) if (one.letter === 'f' && !one.id.includes('/') && mended.has(one.host)) one.letter = 'p'
}

function patternOf(cases) {
  const ids = [...new Set(cases.map(({ id }) => id))]
  return `(${ids.map((id) => id.replaceAll(/[.+*?()[\]]/g, '\\$&')).join('|')}): `
}

/** Races are lost now and then on a busy machine: what differs is played again, alone, before it counts. */
async function compare(major, node, found, counts) {
  const known = read().nodes[major]?.cases ?? {}
  const differs = ({ id, host, letter, races }) => !races && (known[id]?.bare[hosts.indexOf(host)] === 'p') !== (letter === 'p')
  let left = found.filter(differs)
  for (let again = 1; again <= 2 && left.length > 0; again++) {
    console.log(`again, since results.json says otherwise: ${[...new Set(left.map(({ id }) => id))].join(', ')}`)
    const rerun = await suite(node, 'bare', [...new Set(left.map(({ host }) => host))], patternOf(left), { alone: true })
    const same = rerun.filter((one) => !differs(one)).map(({ id, host }) => `${id} ${host}`)
    left = left.filter(({ id, host }) => !same.includes(`${id} ${host}`))
  }
  counts.failed += left.length
  counts.passed += found.length - left.length
  for (const { id, host, letter, why } of left)
    faults.push(
      `${id} on bare ${host}, Node ${major}: results.json says otherwise than ${letter === 'p' ? 'pass' : why.slice(0, 200)}`,
    )
}

/** Plays the suite; returns what came of each case on each host. */
async function suite(node, mode, onThese, cases, { alone = false } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'halfclose-matrix-'))
  const report = join(folder, 'jest.report')
  const env = { ...process.env }
  if (mode === 'bare') env.HALFCLOSE_BARE = folder
  // What is only compared need not wait long for what a bare server never does: what differs from what is known is played again, with patience.
  if (mode === 'bare' && values.check && !alone) env.HALFCLOSE_PATIENCE = '2500'
  const args = [tool.jest, '--silent', '--coverage=false', '--json', `--outputFile=${report}`]
  args.push(`--maxWorkers=${alone ? 1 : 3}`)
  if (alone || (mode === 'bare' && !values.check)) args.push('--maxConcurrency=8') // bare servers lose more races
  if (cases !== undefined) args.push('-t', cases)
  args.push(`test/(contract|http2)/(${onThese.join('|')})\\.test`)
  await run(node, args, { env, live: true }).catch(() => {}) // the reports say what failed
  const found = mode === 'bare' ? bareOf(folder) : halfcloseOf(report)
  rmSync(folder, { recursive: true })
  return found
}

function bareOf(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const { cases, results } = JSON.parse(readFileSync(join(folder, file), 'utf8'))
      const told = new Map(cases.map((one) => [one.id, one]))
      const host = file.replace('.json', '')
      return Object.entries(results).map(([id, why]) => ({ ...told.get(id), host, letter: letterOf(why), why }))
    })
}

function halfcloseOf(report) {
  return JSON.parse(readFileSync(report, 'utf8')).testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.flatMap(({ title, status }) => {
      const [, id, rules] = /^(\S+): .*\[([^\]]*)\]$/.exec(title) ?? []
      if (status === 'pending') return []
      const host = name.replace(/^.*\/(\w+)\.test\.ts$/, '$1')
      if (id === undefined) return status === 'passed' ? [] : [{ id: title, rules: [], host, letter: 'f' }]
      return [{ id, rules: rules.split(' '), host, letter: status === 'passed' ? 'p' : 'f' }]
    }),
  )
}

// The contract suite on Node 20, 22, 24 and 26, bare and with halfclose: `npm run test:matrix` writes what came of it to
// test/conformance/results.json, and docs/conformance.md from that. Arguments narrow it down, and the rest of the file stays:
//   --node 20,24   --hosts http,https   --mode bare   --cases 'persist/|drain/in-flight'
// --check writes nothing: it fails where a case fails with halfclose, or where bare Node does other than the file says. Where neither Nodes nor mode are
// given, that is with halfclose on the Nodes that do not run this (`npm test` is for that one), and bare on the one that does.
// What jest and the servers print is in coverage/matrix/*.log.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'
import { differencesOf, failuresOf, otherwise } from '../test/conformance/again.mjs'
import { provideNode } from '../test/conformance/node-versions.mjs'
import { Progress } from '../test/conformance/progress.mjs'
import { wronglyMarked } from '../test/conformance/red.mjs'
import { bareOn, countOf, hosts, merge, nodes, read, runsOn, write } from '../test/conformance/results.mjs'
import { isCase, patternOf, playSuite } from '../test/conformance/suite.mjs'
import { build, install, root, run, step } from './steps.mjs'

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
const { node: onNodes = nodes.join(), mode: inModes = 'halfclose,bare', cases, check } = values
const [majors, onHosts, modes] = [onNodes.split(','), values.hosts.split(','), inModes.split(',')]
for (const [given, known] of [
  [majors, nodes],
  [onHosts, hosts],
  [modes, ['bare', 'halfclose']],
])
  for (const one of given) if (!known.includes(one)) throw new Error(`${one} is none of ${known.join(', ')}`)

/**
 * For two cores. The cases of a host wait for most of a minute, and take some seconds of CPU: hosts that wait are played beside those that work. The four
 * runs of --check are played at once.
 */
const RUNS_AT_ONCE = check ? 4 : 2
const HOSTS_AT_ONCE = 3
/** What a bare server never does is waited for: it takes time, and no CPU. */
const BARE_HOSTS_AT_ONCE = check ? 6 : 3
const CASES_AT_ONCE = 32
/** Where nothing may fail because of what is beside it. Bare servers lose more races. */
const FEW_AT_ONCE = 8
/** ms. What is only compared need not wait long for what a bare server never does: what differs is played again, with patience. */
const BARE_PATIENCE = 2_500

const kept = join(root, 'coverage/matrix')
rmSync(kept, { recursive: true, force: true })
mkdirSync(kept, { recursive: true })
/** @type {{ name: string, why: string }[]} */
const faults = []
/** How the bare cases are marked, by their id. */
const marks = new Map()
const progress = new Progress()

await install()
const programs = new Map()
await step('the other Nodes', () => Promise.all(majors.map(async (major) => programs.set(major, await provideNode(major)))))
if (!check) await build()

const whole = values.node === undefined && values.mode === undefined
const runs = majors
  .flatMap((major) => modes.map((mode) => ({ major, mode, name: `Node ${major}, ${mode}` })))
  .filter(({ major, mode }) => !check || !whole || (major === running) === (mode === 'bare'))
  .map((one) => ({ ...one, ...programs.get(one.major), hosts: onHosts.filter((host) => runsOn(host, one.major)) }))
  .filter((one) => one.hosts.length > 0)
  // Most hosts first: of a few cases, the first run tells which hosts have them.
  .sort((a, b) => b.hosts.length - a.hosts.length)
progress.start()
const played = []
if (cases !== undefined && runs.length > 1) {
  expect(runs[0])
  played.push(await play(runs.shift()))
  const there = new Set(played[0].found.map(({ host }) => host))
  for (const one of runs) one.played = one.hosts.filter((host) => there.has(host))
}
for (const one of runs) expect(one)
await Promise.all(
  Array.from({ length: RUNS_AT_ONCE }, async () => {
    for (let one = runs.shift(); one !== undefined; one = runs.shift()) played.push(await play(one))
  }),
)
progress.stop()
for (const one of played) await conclude(one)
if (played.every(({ found }) => found.length === 0)) faults.push({ name: 'the matrix', why: 'no case was played' })

if (!check) {
  const known = read()
  for (const [id, marked] of marks) {
    const letters = nodes.map((major) => bareOn(known, major)[id] ?? {})
    const why = wronglyMarked(marked, letters)
    if (why !== undefined) faults.push({ name: id, why })
  }
  await step('docs/conformance.md', () => run(process.execPath, ['test/conformance/render.mjs', 'write']))
}
for (const { name, why } of faults) console.error(`${name}\n${why.replaceAll(/^/gm, '    ')}`)
process.exit(faults.length > 0 ? 1 : 0)

function expect({ major, mode, name, hosts: all, played: those = all }) {
  progress.add(name, countOf(read(), { major, mode, hosts: those, cases }), those.length)
}

async function play(one) {
  const { major, node, mode, name, hosts: all, played: those = all } = one
  if (those.length === 0) return { ...one, found: [], differs: [] }
  const found = await playSuite({
    ...{
      node,
      mode,
      hosts: those,
      cases,
      log: logOf(major, mode),
      workers: mode === 'bare' ? BARE_HOSTS_AT_ONCE : HOSTS_AT_ONCE,
    },
    atOnce: mode === 'bare' && !check ? FEW_AT_ONCE : CASES_AT_ONCE,
    patience: mode === 'bare' && check ? BARE_PATIENCE : undefined,
    onCases: (count) => progress.count(name, count),
    onHost: (host, those) => progress.host(name, host, those),
  })
  if (mode === 'halfclose' || !check) return { ...one, found }
  // While the other runs go on. What still differs is played once more at the end, with nothing beside it.
  const playAgain = (failed) => playOnce(one, failed, HOSTS_AT_ONCE)
  return { ...one, found, differs: await differencesOf(found, bareOn(read(), major), playAgain, 1) }
}

/** Plays what failed again, and names it. */
function playOnce({ major, node, mode, name }, failed, workers) {
  progress.say(`${name}: again, since ${mode === 'bare' ? 'results.json says otherwise' : 'it failed'}: ${named(failed)}`)
  const those = [...new Set(failed.map(({ host }) => host))]
  const pattern = failed.every(isCase) ? patternOf(failed) : cases
  return playSuite({ node, mode, hosts: those, cases: pattern, log: logOf(major, mode), workers, atOnce: FEW_AT_ONCE })
}

async function conclude(one) {
  const { major, mode, name, version, hosts: on, found } = one
  const late = found.filter(({ late: was }) => was)
  if (late.length > 0) console.log(`${name}: played again, since the machine stood still: ${named(late)}`)
  const failed = await failuresIn(one)
  const failures = failed.map(({ id, host, why }) => ({
    name: `${id} on ${host}, ${mode}, Node ${version}`,
    why: shorten(why, 12),
  }))
  faults.push(...failures)
  const passed = found.filter(isCase).length - failed.filter(isCase).length
  const those = found.filter(isCase)
  if (mode === 'bare') for (const each of those) marks.set(each.id, each)
  if (check) writeFileSync(join(kept, `${major}-${mode}.json`), JSON.stringify({ passed, failed: failures.length, failures }))
  else write(merge(read(), { major, version, mode, hosts: on, cases, found: those }))
  if (cases !== undefined && mode === 'bare') tellWhy(those)
  console.log(
    `${name}: ${mode === 'halfclose' || check ? `${passed} passed, ${failures.length} failed` : `${those.length} played`}`,
  )
}

async function failuresIn(one) {
  const { mode, major, found, differs } = one
  const playAlone = (failed) => playOnce(one, failed, 1)
  if (mode === 'halfclose') return failuresOf(found, playAlone)
  if (!check) return found.filter((each) => !isCase(each))
  const left = await differencesOf(differs, bareOn(read(), major), playAlone)
  return left.map((each) => ({ ...each, why: otherwise(each) }))
}

/** Why the bare hosts fail what was asked for. */
function tellWhy(found) {
  const reasons = new Map()
  for (const { id, host, letter, why } of found) {
    const reason = `${id}: ${letter === 'p' ? 'passes' : shorten(why, 1)}`
    reasons.set(reason, [...(reasons.get(reason) ?? []), host])
  }
  for (const [reason, on] of reasons) console.log(`  ${reason} (${on.join(' ')})`)
}

function logOf(major, mode) {
  return join(kept, `${major}-${mode}.log`)
}

function named(some) {
  const names = some.slice(0, 12).map(({ id, host }) => `${id} on ${host}`)
  return `${names.join(', ')}${some.length > names.length ? `, and ${some.length - names.length} others` : ''}`
}

/** Without colours. */
function shorten(why, lines) {
  const plain = stripVTControlCharacters(why).trim().split('\n')
  return plain
    .slice(0, lines)
    .join('\n')
    .slice(0, 120 * lines)
}

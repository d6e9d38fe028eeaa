/**
 * Deploys behind real proxies: the two backends of an HAProxy and of an nginx are restarted in turn, under load, and what the clients
 * lost is counted. Ends in a table and a JSON file; fails if halfclose lost what it promises not to lose.
 *
 *   npm run test:deploy -- [--short] [--proxy haproxy|nginx] [--protocol h1|h2] [--framework express|fastify]
 *       [--policy bare|halfclose] [--listener own|shared] [--restarts 24] [--requests 100000] [--load 3] [--out file.json] [--allow-missing] [--losses] [--keep]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Witness } from '../support/witness.mjs'
import { broken } from './analysis.mjs'
import { endAll } from './children.mjs'
import { Column, removeAll } from './column.mjs'
import { provide } from './install.mjs'
import { readOptions } from './options.mjs'
import { Progress } from './progress.mjs'
import { columns, estimate, PAUSE, RATE, setups, WARM_UP } from './settings.mjs'
import { formatTable, toJson } from './table.mjs'
import { lostIn } from './tally.mjs'

process.once('exit', () => {
  endAll()
  removeAll()
})
for (const [signal, number] of /** @type {const} */ ([
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
])) {
  process.once(signal, () => process.exit(128 + number))
}

/** @typedef {import('./options.mjs').Options} Options */

/**
 * ms. Where the machine stood still for longer, health checks failed and delays passed unseen, so that a loss says nothing of halfclose.
 */
const LATE = 300
/** The exit code of a run that failed, and says nothing: EX_TEMPFAIL of sysexits.h. */
const FAILED_LATE = 75
/** Losses of halfclose that are shown without `--losses`. */
const FINDINGS_SHOWN = 20
const witness = new Witness()

/**
 * All columns of a setup at the same time: what else the machine does hits them alike.
 * @param {import('./settings.mjs').Setup} setup
 * @param {Options} options
 */
async function play(setup, { mode, policies, listeners, keep }) {
  const chosen = columns[setup.proxy].filter(({ policy, listener }) => policies.includes(policy) && listeners.includes(listener))
  const played = chosen.map(({ policy, listener }) => new Column(setup, policy, listener, mode, keep))
  const failed = new Promise((_resolve, reject) => {
    for (const column of played) column.once('failed', (reason) => reject(new Error(reason)))
  })
  const progress = new Progress(`${setup.proxy}${setup.protocol === 'h2' ? ' (h2)' : ''}, ${setup.framework}`, played)
  const run = async () => {
    await Promise.all(played.map((column) => column.start()))
    progress.start()
    await sleep(WARM_UP)
    // Spread over the load, and in step, so that the columns can be compared.
    const every = Math.max(PAUSE, (mode.requests / (RATE * mode.load) / mode.restarts) * 1_000)
    for (let round = 0; round < mode.restarts; round++) {
      const began = performance.now()
      await Promise.all(played.map((column) => column.restart(round)))
      await sleep(Math.max(PAUSE, began + every - performance.now()))
    }
    while (played.some(({ tally }) => tally.sent < mode.requests)) await sleep(250)
    // So that what the last restart did to idle connections is seen, too.
    await sleep(WARM_UP)
    await Promise.all(played.map((column) => column.stop()))
  }
  await Promise.race([run(), failed]).finally(() => progress.stop())
  return played
}

/** @param {readonly Column[]} played @param {Options} options */
function conclude(played, { losses }) {
  let kept = true
  for (const column of played) {
    const shown = losses ? column.findings : column.policy === 'halfclose' ? column.findings.slice(0, FINDINGS_SHOWN) : []
    for (const finding of shown) console.log(`${column.name} lost ${JSON.stringify(finding)}`)
    if (shown.length > 0 && shown.length < column.findings.length)
      console.log(`${column.name} lost ${column.findings.length - shown.length} more; --losses shows them all`)
    const reason = broken(column)
    if (reason !== undefined) console.log(`BROKEN: ${column.name}: ${reason}`)
    kept &&= reason === undefined
  }
  const governed = played.filter(({ policy }) => policy === 'halfclose')
  if (governed.length === 0) return true
  const sum = (/** @type {readonly Column[]} */ some) => some.reduce((total, { tally }) => total + lostIn(tally), 0)
  const sent = governed.reduce((total, { tally }) => total + tally.sent, 0).toLocaleString('en')
  const queued = governed.flatMap(({ findings }) => findings).filter(({ acceptQueue }) => acceptQueue).length
  const bare = played.filter(({ policy }) => policy === 'bare')
  console.log(
    `${kept ? 'halfclose kept its promise' : 'halfclose BROKE its promise'}: ${sum(governed)} of ${sent} requests were lost` +
      `${queued > 0 ? `, ${queued} of them in the accept queue of a listener that closed` : ''}.` +
      `${bare.length > 0 ? ` The bare frameworks lost ${sum(bare)}.` : ''}`,
  )
  return kept
}

/** @returns {Promise<number>} exit code */
async function main() {
  const options = readOptions()
  const { mode, short } = options
  /** @type {Record<string, string>} */
  const versions = { node: process.versions.node }
  /** @type {string[]} */
  const skipped = []
  const present = options.proxies.filter((name) => {
    const found = provide(name)
    if ('version' in found) versions[name] = found.version
    else skipped.push(found.missing)
    return 'version' in found
  })
  for (const reason of skipped) console.log(`SKIPPED: ${reason}`)
  if (present.length === 0) return options.allowMissing ? 0 : 1
  const chosen = setups.filter(
    ({ proxy, framework, protocol }) =>
      present.includes(proxy) && options.frameworks.includes(framework) && options.protocols.includes(protocol),
  )
  if (chosen.length === 0) throw new RangeError('no setup has all of this: HTTP/2 is spoken by HAProxy with Fastify only')
  const takes = chosen.reduce((sum, setup) => sum + estimate(setup, mode, options.policies), 0)
  console.log(
    `Two backends behind ${present.join(' and behind ')}, restarted in turn, ${mode.restarts} restarts in each of ` +
      `${chosen.length} ${chosen.length === 1 ? 'setup' : 'setups'}, under load.\nThis takes about ${takes > 120_000 ? `${Math.ceil(takes / 60_000)} minutes` : `${Math.ceil(takes / 1_000)} s`}.\n`,
  )
  /** @type {Column[]} */
  const played = []
  for (const setup of chosen) {
    const result = await play(setup, options)
    console.log(`\n${formatTable(result)}\n`)
    played.push(...result)
  }
  const kept = conclude(played, options)
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`
  const result = { date: new Date().toISOString(), short, versions, machine, mode, skipped, columns: played.map(toJson) }
  const out = options.out ?? fileURLToPath(new URL('../../node_modules/.cache/halfclose/deploy-results.json', import.meta.url))
  mkdirSync(path.dirname(out), { recursive: true })
  writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`)
  console.log(`The numbers are in ${path.relative(process.cwd(), out)}.`)
  return kept && (skipped.length === 0 || options.allowMissing) ? 0 : 1
}

witness.start()
const began = performance.now()
try {
  process.exitCode = await main()
} catch (error) {
  console.error(`\ntest:deploy failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 2
}
const late = Math.round(witness.latest(began))
if (process.exitCode !== 0 && late >= LATE) {
  console.error(`The machine stood still for ${late} ms meanwhile: this says nothing of halfclose.`)
  process.exitCode = FAILED_LATE
}
process.exit()

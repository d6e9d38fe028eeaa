/**
 * More requests than one go of deploys should have: `npm run test:deploy -- --requests 1000000`. Each setup is played in parts, each of them a run of deploy.mjs; what is done is kept, so that the same command
 * goes on where it was stopped (`--anew`: from the start), and the table names the commits of the parts. A bare server takes part in the first part alone: that is enough to compare. Three times the usual clients (`--load`) make the requests come in
 * half an hour a setup at most. Ends in a table and a JSON file, which are docs/deploy-results.* where all setups have had their requests.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { layOut } from '../../examples/deploy/table.mjs'
import { resultsPage } from './results-page.mjs'
import { columns as columnKinds, setups } from './settings.mjs'

/** The exit code of deploy.mjs where it failed on a machine that stood still. */
const FAILED_LATE = 75
/** At most so many parts are played again for that. */
const LATE_PARTS = 10
const root = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    part: { type: 'string', default: '100000' },
    load: { type: 'string', default: '3' },
    short: { type: 'boolean', default: false },
    proxy: { type: 'string' },
    framework: { type: 'string' },
    protocol: { type: 'string' },
    anew: { type: 'boolean', default: false },
  },
})
const [requests, part] = [Number(values.requests), Number(values.part)]
if (!(requests >= 1) || !(part >= 1)) throw new RangeError('--requests and --part must be numbers from 1')

/** @param {{ proxy: string, framework: string, protocol: string }} setup */
const isChosen = (setup) =>
  /** @type {const} */ (['proxy', 'framework', 'protocol']).every((name) => (values[name] ?? setup[name]) === setup[name])
/** nginx with Fastify is left to the shorter runs: it is no other kind of proxy or listener, and would take a quarter of an hour more. */
const scaled = setups.filter(({ proxy, framework }) => proxy !== 'nginx' || framework !== 'fastify')
const chosen = (values.framework === undefined ? scaled : setups).filter(isChosen)
if (chosen.length === 0) throw new RangeError('no setup has all of this')

const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
const commit = `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '--', 'packages') === '' ? '' : ', changed'}`
const cache = path.join(root, 'node_modules/.cache/halfclose')
mkdirSync(cache, { recursive: true })
const keptIn = path.join(cache, `deploy-parts${values.short ? '-short' : ''}.json`)
/**
 * @typedef {object} Kept
 * @property {Record<string, any[]>} parts the results of parts, by setup
 * @property {string[]} late the setups of parts that failed on a machine that stood still, and were played again
 */
const kept = read()

function read() {
  /** @type {Kept} */
  const fresh = { parts: {}, late: [] }
  if (values.anew) return fresh
  try {
    return JSON.parse(readFileSync(keptIn, 'utf8'))
  } catch {
    return fresh
  }
}

/** @param {{ proxy: string, framework: string, protocol: string }} setup */
const nameOf = ({ proxy, protocol, framework }) => `${proxy} ${protocol} ${framework}`

/**
 * The columns of all parts of a setup, each summed up.
 * @param {{ proxy: string, framework: string, protocol: string }} setup
 */
function columnsOf(setup) {
  const results = kept.parts[nameOf(setup)] ?? []
  return columnKinds[/** @type {import('./settings.mjs').ProxyName} */ (setup.proxy)].map(({ policy, listener }) => {
    const played = results.flatMap(({ columns }) =>
      columns.filter((/** @type {any} */ one) => one.policy === policy && one.listener === listener),
    )
    const sum = (/** @type {string} */ field) => played.reduce((total, column) => total + (column[field] ?? 0), 0)
    return {
      ...setup,
      policy,
      listener,
      requests: sum('requests'),
      restarts: sum('restarts'),
      lost: sum('lost'),
      lostInAcceptQueue: policy === 'bare' ? null : sum('lostInAcceptQueue'),
      uncleanDrains: sum('uncleanDrains'),
      parts: played.length,
    }
  })
}

let kind = 0
for (const setup of chosen) {
  const name = nameOf(setup)
  kept.parts[name] ??= []
  const results = kept.parts[name]
  for (;;) {
    // The governed column that has had the fewest.
    const sent = Math.min(...columnsOf(setup).flatMap((column) => (column.policy === 'bare' ? [] : [column.requests])))
    console.log(`${name}: ${sent.toLocaleString('en')} of ${requests.toLocaleString('en')} requests`)
    if (sent >= requests) break
    const out = path.join(cache, 'deploy-part.json')
    const args = ['--proxy', setup.proxy, '--framework', setup.framework, '--protocol', setup.protocol, '--load', values.load]
    args.push('--requests', String(Math.min(part, requests - sent)), '--out', out, ...(values.short ? ['--short'] : []))
    if (results.length > 0) args.push('--policy', 'halfclose')
    const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('deploy.mjs', import.meta.url)), ...args], {
      stdio: 'inherit',
    })
    if (status === FAILED_LATE && kept.late.length < LATE_PARTS) {
      kept.late.push(name)
      writeFileSync(keptIn, JSON.stringify(kept))
      console.log('again, since the machine stood still\n')
      continue
    }
    // 1: more was lost than is promised. That is a result; anything else is none.
    if (status !== 0 && status !== 1) process.exit(status ?? 2)
    if (status === 1) kind = 1
    const result = JSON.parse(readFileSync(out, 'utf8'))
    if (result.columns.length === 0) process.exit(1)
    results.push({ ...result, commit })
    writeFileSync(keptIn, JSON.stringify(kept))
  }
}

const columns = chosen.flatMap(columnsOf)
/** @param {string} label @param {(column: any) => string} cell */
const row = (label, cell) => [label, ...columns.map(cell)]
const n = (/** @type {number | null} */ value) => (value === null ? '–' : value.toLocaleString('en'))
const table = layOut(
  [
    row('', ({ proxy }) => proxy),
    row('', ({ protocol }) => protocol),
    row('', ({ framework }) => framework),
    row('', ({ policy }) => policy),
    row('', ({ listener }) => `${listener} listener`),
  ],
  [
    row('requests', ({ requests: sent }) => n(sent)),
    row('restarts', ({ restarts }) => n(restarts)),
    row('lost', ({ lost }) => n(lost)),
    row('  in the accept queue', ({ lostInAcceptQueue }) => n(lostInAcceptQueue)),
    row('drains that were not clean', ({ uncleanDrains }) => n(uncleanDrains)),
  ],
)
console.log(`\n${table}\n`)
const isWhole = !values.short && scaled.every((setup) => chosen.includes(setup))
const out = path.join(isWhole ? path.join(root, 'docs') : cache, 'deploy-results')
const [first] = chosen[0] === undefined ? [] : (kept.parts[nameOf(chosen[0])] ?? [])
const versions = Object.assign({}, ...Object.values(kept.parts).flatMap((parts) => parts.map((one) => one.versions)))
const { machine } = first
const commits = chosen.map((setup) => [
  nameOf(setup),
  [...new Set(kept.parts[nameOf(setup)]?.map((one) => one.commit))].join(', '),
])
const head = {
  date: new Date().toISOString(),
  commits: Object.fromEntries(commits),
  versions,
  machine,
  requests,
  partsPlayedAgain: kept.late,
  columns,
}
writeFileSync(`${out}.json`, `${JSON.stringify(head, null, 2)}\n`)
writeFileSync(`${out}.md`, resultsPage(head))
console.log(`The numbers are in ${path.relative(process.cwd(), out)}.json and .md.`)
process.exitCode = kind

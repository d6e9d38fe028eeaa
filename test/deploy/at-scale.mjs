/**
 * More requests than one go of deploys should have: `npm run test:deploy -- --requests 1000000`. Each setup is played in parts, each of them a run of deploy.mjs; what is done is kept, so that the same command
 * goes on where it was stopped (`--anew`: from the start). Ends in a table and a JSON file (`--out`, and docs/deploy-results.* where all setups have had their requests).
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { layOut } from '../../examples/deploy/table.mjs'
import { setups } from './settings.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    part: { type: 'string', default: '100000' },
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
const chosen = setups.filter(isChosen)
if (chosen.length === 0) throw new RangeError('no setup has all of this')

const cache = path.join(root, 'node_modules/.cache/halfclose')
mkdirSync(cache, { recursive: true })
const keptIn = path.join(cache, `deploy-parts${values.short ? '-short' : ''}.json`)
/** The results of parts, by setup. @type {Record<string, any[]>} */
const kept = values.anew ? {} : read()

function read() {
  try {
    return JSON.parse(readFileSync(keptIn, 'utf8'))
  } catch {
    return {}
  }
}

/** @param {any[]} results @param {number} at the column @param {(column: any) => number} of */
const sum = (results, at, of) => results.reduce((total, { columns }) => total + of(columns[at]), 0)

let kind = 0
for (const setup of chosen) {
  const name = `${setup.proxy} ${setup.protocol} ${setup.framework}`
  kept[name] ??= []
  for (;;) {
    const results = kept[name] ?? []
    // The column that has had the fewest.
    const sent =
      results.length === 0
        ? 0
        : Math.min(
            ...results[0].columns.map((/** @type {any} */ _, /** @type {number} */ at) =>
              sum(results, at, (column) => column.requests),
            ),
          )
    console.log(`${name}: ${sent.toLocaleString('en')} of ${requests.toLocaleString('en')} requests`)
    if (sent >= requests) break
    const out = path.join(cache, 'deploy-part.json')
    const args = ['--proxy', setup.proxy, '--framework', setup.framework, '--protocol', setup.protocol]
    args.push('--requests', String(Math.min(part, requests - sent)), '--out', out, ...(values.short ? ['--short'] : []))
    const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('deploy.mjs', import.meta.url)), ...args], {
      stdio: 'inherit',
    })
    // 1: more was lost than is promised. That is a result; anything else is none.
    if (status !== 0 && status !== 1) process.exit(status ?? 2)
    if (status === 1) kind = 1
    const result = JSON.parse(readFileSync(out, 'utf8'))
    if (result.columns.length === 0) process.exit(1)
    results.push(result)
    writeFileSync(keptIn, JSON.stringify(kept))
  }
}

const columns = chosen.flatMap(({ proxy, protocol, framework }) => {
  const results = kept[`${proxy} ${protocol} ${framework}`] ?? []
  return results[0].columns.map((/** @type {any} */ { policy, listener }, /** @type {number} */ at) => {
    const of = (/** @type {string} */ field) => sum(results, at, (column) => column[field] ?? 0)
    const lost = of('lost')
    const [sent, restarts, inQueue] = [of('requests'), of('restarts'), of('lostInAcceptQueue')]
    return {
      proxy,
      protocol,
      framework,
      policy,
      listener,
      requests: sent,
      restarts,
      lost,
      lostInAcceptQueue: policy === 'bare' ? null : inQueue,
      uncleanDrains: of('uncleanDrains'),
      parts: results.length,
    }
  })
})
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
const isWhole = !values.short && chosen.length === setups.length
const out = path.join(isWhole ? path.join(root, 'docs') : cache, 'deploy-results')
const [first] = kept[`${chosen[0]?.proxy} ${chosen[0]?.protocol} ${chosen[0]?.framework}`] ?? []
const head = { date: new Date().toISOString(), versions: first.versions, machine: first.machine, requests, columns }
writeFileSync(`${out}.json`, `${JSON.stringify(head, null, 2)}\n`)
writeFileSync(`${out}.txt`, `${table}\n`)
console.log(`The numbers are in ${path.relative(process.cwd(), out)}.json and .txt.`)
process.exitCode = kind

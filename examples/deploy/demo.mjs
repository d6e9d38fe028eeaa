/**
 * A real deploy, side by side: each framework as it comes and with halfclose, under the same load, restarted worker by worker.
 * Ends in a table, and the path of a page that shows the connections of the deploys one above the other; fails if halfclose lost a request.
 *
 *   npm run demo
 *   node examples/deploy/demo.mjs [--framework express|fastify|fastify-h2] [--policy bare|halfclose] [--restarts 4] [--losses] [--page demo.html]
 */
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { Deploy, endAll } from './deploy.mjs'
import { pageOf } from './lanes.mjs'
import { Progress } from './progress.mjs'
import { frameworks, HTTP2_RESTARTS, policies, RESTARTS, WORKERS } from './settings.mjs'
import { formatTable } from './table.mjs'
import { assertBalanced, lostIn } from './tally.mjs'

process.once('exit', endAll)
for (const [signal, number] of /** @type {const} */ ([
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
])) {
  process.once(signal, () => process.exit(128 + number))
}

/** @typedef {{ frameworks: readonly string[], policies: readonly string[], restarts: number | undefined, losses: boolean, page: string | undefined }} Options */

/** @returns {Options} */
function readOptions() {
  const { values } = parseArgs({
    options: {
      framework: { type: 'string' },
      policy: { type: 'string' },
      restarts: { type: 'string' },
      losses: { type: 'boolean', default: false },
      page: { type: 'string' },
    },
  })
  /** @param {'framework' | 'policy'} name @param {readonly string[]} all */
  const choose = (name, all) => {
    const value = values[name] ?? all[0]
    if (!all.includes(/** @type {string} */ (value)))
      throw new RangeError(`--${name} must be one of ${all.join(', ')}, not ${value}`)
    return values[name] === undefined ? all : [values[name]]
  }
  const restarts = values.restarts === undefined ? undefined : Number(values.restarts)
  if (restarts !== undefined && (!Number.isInteger(restarts) || restarts < 1))
    throw new RangeError(`--restarts must be a whole number from 1, not ${values.restarts}`)
  return {
    frameworks: choose('framework', frameworks),
    policies: choose('policy', policies),
    restarts,
    losses: values.losses,
    page: values.page,
  }
}

/**
 * Both deploys of a framework at the same time: what else the machine does hits both alike.
 * @param {string} framework
 * @param {Options} options
 * @param {Progress} progress
 */
async function compare(framework, { policies, restarts }, progress) {
  const planned = restarts ?? (framework.endsWith('-h2') ? HTTP2_RESTARTS : RESTARTS)
  const deploys = policies.map((policy) => new Deploy(framework, policy, planned))
  const failed = new Promise((_resolve, reject) => {
    for (const deploy of deploys) deploy.once('failed', (reason) => reject(new Error(reason)))
  })
  const run = async () => {
    progress.show(`${framework} start  `, deploys)
    await Promise.all(deploys.map((deploy) => deploy.start()))
    progress.show(`${framework} warm up`, deploys)
    await sleep(2_000)
    progress.show(`${framework} deploy `, deploys)
    await Promise.all(deploys.map((deploy) => deploy.roll()))
    // So that what the last restart did to idle connections is seen, too.
    progress.show(`${framework} after  `, deploys)
    await sleep(2_000)
    await Promise.all(deploys.map((deploy) => deploy.stop()))
  }
  await Promise.race([run(), failed]).finally(() => progress.stop())
  for (const deploy of deploys) assertBalanced(deploy.name, deploy.tally)
  return deploys
}

/** @returns {Promise<number>} exit code */
async function main() {
  const options = readOptions()
  const times = options.restarts ? `${options.restarts} times` : `${RESTARTS} times (over HTTP/2 ${HTTP2_RESTARTS})`
  console.log(
    `A service with ${WORKERS} workers is restarted worker by worker, ${times}, under load: keep-alive clients\n` +
      '1 to 40 ms away send GETs, POSTs, downloads and uploads that are rejected early, and retry nothing. Over HTTP/2\n' +
      'they ask again what the server says (GOAWAY, REFUSED_STREAM) that it did not run: counted apart, and not lost.\n',
  )
  const progress = new Progress(process.stdout)
  /** @type {Deploy[]} */
  const deploys = []
  for (const framework of options.frameworks) deploys.push(...(await compare(framework, options, progress)))
  console.log(`\n${formatTable(deploys)}\n`)
  const code = conclude(deploys, options)
  const file = options.page ?? join(tmpdir(), 'halfclose-demo.html')
  writeFileSync(file, pageOf(deploys))
  console.log(`\nWhat became of the connections, lost requests in red: ${pathToFileURL(file)}`)
  return code
}

/** @param {Deploy[]} deploys @param {Options} options @returns {number} exit code */
function conclude(deploys, { policies, losses }) {
  const lost = { bare: 0, halfclose: 0 }
  for (const deploy of deploys) {
    lost[/** @type {'bare' | 'halfclose'} */ (deploy.policy)] += lostIn(deploy.tally)
    if (losses || deploy.policy === 'halfclose') {
      for (const loss of deploy.losses) console.log(`${deploy.name} lost ${JSON.stringify(loss)}`)
    }
  }
  if (!policies.includes('halfclose')) return 0
  console.log(
    lost.halfclose === 0
      ? `halfclose lost nothing.${policies.includes('bare') ? ` Without it the same deploys lost ${lost.bare} requests.` : ''}`
      : `halfclose LOST ${lost.halfclose} requests, each listed above.`,
  )
  return lost.halfclose === 0 ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`\nThe demo failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 2
  endAll()
}

/**
 * One deploy: the primary of a Node cluster that runs a service, and restarts it worker by worker as an orchestrator does: a new
 * worker first, then SIGTERM to the old one. The service answers SIGTERM by itself; when it stops listening the primary is told
 * and hands it no more connections.
 *
 * node cluster.mjs <framework> <policy>. Speaks with the demo over IPC: sends { port }, gets { restarts }, sends { restart } after
 * each and { done } at the end.
 */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { restartWorker } from '@halfclose/core/cluster'
import { GRACE, KILL_AFTER, START_WITHIN, WORKERS } from './settings.mjs'

const [framework = '', policy = ''] = process.argv.slice(2)
const name = `${framework} ${policy}`
const [service = '', protocol = 'h1'] = framework.split('-')
/** As deployed: in development halfclose drains fast. */
const PRODUCTION = { NODE_ENV: 'production' }

/** @typedef {{ ms: number, code: number | null, signal: string | null }} Restart */

cluster.setupPrimary({
  exec: fileURLToPath(new URL(`service-${service}.mjs`, import.meta.url)),
  args: [policy, protocol],
})

/** Workers that serve, the oldest first. @type {import('node:cluster').Worker[]} */
const serving = []
/** Workers that were sent SIGTERM. @type {Set<import('node:cluster').Worker>} */
const leaving = new Set()

cluster.on('exit', (worker, code, signal) => {
  if (!leaving.has(worker)) fail(`a worker ended by itself (${signal ?? `exit code ${code}`})`)
})

async function start() {
  const worker = cluster.fork(PRODUCTION)
  const late = setTimeout(() => fail(`a worker did not listen within ${START_WITHIN} ms`), START_WITHIN)
  const [address] = await once(worker, 'listening')
  clearTimeout(late)
  serving.push(worker)
  return /** @type {import('node:cluster').Address} */ (address)
}

/** @param {number} restarts */
async function roll(restarts) {
  for (let round = 0; round < restarts; round++) {
    const old = /** @type {import('node:cluster').Worker} */ (serving.shift())
    leaving.add(old)
    const { worker, ms, code, signal } = await restartWorker(old, {
      startWithin: START_WITHIN,
      killAfter: KILL_AFTER + GRACE,
      env: PRODUCTION,
    })
    serving.push(worker)
    /** @type {Restart} */
    const restart = { ms, code, signal }
    process.send?.({ restart })
    await sleep(250)
  }
  process.send?.({ done: true })
}

/** @param {string} reason */
function fail(reason) {
  process.send?.({ failed: `${name}: ${reason}` })
  end()
}

function end() {
  for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
  process.exit(1)
}

process.on('message', (message) => {
  roll(/** @type {{ restarts: number }} */ (message).restarts).catch((error) => fail(String(error)))
})
// The demo is gone: so are we. And Ctrl-C is for the demo to answer.
process.once('disconnect', end)
process.once('SIGTERM', end)
process.on('SIGINT', () => {})

let port = 0
for (let count = 0; count < WORKERS; count++) port = (await start()).port
process.send?.({ port })

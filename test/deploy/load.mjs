/**
 * The clients of one column, in a process of their own: keep-alive connections to the proxy, which they believe, and no retries.
 *
 * Over IPC: gets { port, posts, times }, later 'stop'; sends { tally } every 250 ms, and { tally, losses } at the end.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from '../../examples/deploy/connection.mjs'
import { hello, order } from '../../examples/deploy/requests.mjs'
import { newTally } from './tally.mjs'

/** How many clients have each habit, and how long they wait between two requests: the slow ones leave idle connections behind. */
const habits = [
  { clients: 64, waits: [10, 130] },
  { clients: 60, waits: [300, 3_000] },
]
/** @typedef {{ port: number, posts: number, times: number }} Order `times`: so many times the clients of `habits`. */

/** ms one way. */
const LATENCY = 1

const tally = newTally()
/** @type {import('./tally.mjs').Loss[]} */
const losses = []
const stop = new AbortController()
setMaxListeners(0, stop.signal)
let lastId = 0

/** @param {readonly number[]} range */
const between = ([least = 0, most = 0]) => least + Math.random() * (most - least)
/** @param {number} ms */
const pause = (ms) => sleep(ms, undefined, { signal: stop.signal }).catch(() => {})

/** @param {number} port @param {number} posts share of POSTs @param {readonly number[]} waits */
async function client(port, posts, waits) {
  /** @type {Connection | undefined} */
  let connection
  await pause(between([0, 1_000]))
  while (!stop.signal.aborted) {
    if (!connection?.usable) {
      connection?.close()
      connection = new Connection(port, LATENCY)
      tally.connections += 1
    }
    await run(connection, posts)
    await pause(between(waits))
  }
  connection?.close()
}

/** @param {Connection} connection @param {number} posts */
async function run(connection, posts) {
  const id = ++lastId
  const request = Math.random() < posts ? order(id) : hello(id)
  const sentAt = Date.now()
  tally.sent += 1
  if (request.method === 'POST') tally.posts += 1
  const outcome = await connection.exchange(request)
  const loss = outcome.cause === undefined ? judge(outcome.response, request.expects, id) : outcome
  if (loss === undefined) {
    tally.answered += 1
    return
  }
  const cause = /** @type {import('./tally.mjs').Cause} */ (loss.cause)
  tally.lost[cause] += 1
  const { seen } = loss
  losses.push({
    cause,
    seen,
    id,
    method: request.method,
    sentAt,
    lostAfter: Date.now() - sentAt,
    onConnection: connection.requests,
  })
}

/**
 * @param {import('../../examples/deploy/response-parser.mjs').ResponseParser} response
 * @param {number} expects
 * @param {number} id
 */
function judge({ status, text }, expects, id) {
  const seen = `status ${status} ${text.slice(0, 80).replaceAll(/\s+/g, ' ')}`
  if (status === 502 || status === 503 || status === 504) return { cause: String(status), seen }
  if (status !== expects) return { cause: 'wrong', seen }
  return JSON.parse(text).id === String(id) ? undefined : { cause: 'wrong', seen: `another request's answer: ${seen}` }
}

/** @param {Order} message */
async function serve({ port, posts, times }) {
  const report = setInterval(() => process.send?.({ tally }), 250)
  await Promise.all(
    habits.flatMap(({ clients, waits }) => Array.from({ length: clients * times }, () => client(port, posts, waits))),
  )
  clearInterval(report)
  process.send?.({ tally, losses })
}

process.on('message', (message) => {
  if (message === 'stop') stop.abort()
  else serve(/** @type {Order} */ (message))
})
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})

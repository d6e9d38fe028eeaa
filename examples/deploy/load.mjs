/**
 * The clients of one deploy, in a process of their own. They hold keep-alive connections, wait between requests as people and
 * other services do, and never retry.
 *
 * Speaks with the demo over IPC: gets { port }, later 'stop'; sends { tally } every 250 ms and { tally, losses, done } at the end.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './connection.mjs'
import { PIECE, PIECES, UPLOAD_SIZE } from './settings.mjs'
import { countLoss, newTally } from './tally.mjs'

const upload = Buffer.alloc(UPLOAD_SIZE, 'x')

/** @typedef {{ kind: import('./tally.mjs').Kind, name: string, head: string, body?: Buffer, writesFirst?: boolean, expects: number, bytes?: number }} Request */

/** @param {string} path @param {number} id @returns {Request} */
const get = (path, id) => ({
  kind: 'get',
  name: `GET ${path}`,
  head: `GET ${path}/${id} HTTP/1.1\r\nHost: demo\r\n\r\n`,
  expects: 200,
})

/** @param {string} path @param {number} id @param {string} fields @param {Buffer} body @param {number} expects @returns {Request} */
const post = (path, id, fields, body, expects) => ({
  kind: 'post',
  name: `POST ${path} ${expects}`,
  head: `POST ${path}/${id} HTTP/1.1\r\nHost: demo\r\n${fields}Content-Length: ${body.length}\r\n\r\n`,
  body,
  expects,
})

const json = 'Content-Type: application/json\r\n'
const binary = 'Content-Type: application/octet-stream\r\n'

/** @param {number} id */
const order = (id) => post('/orders', id, json, Buffer.from(JSON.stringify({ item: `item ${id}` })), 201)
/** @param {number} id */
const hello = (id) => get('/hello', id)
/** @returns {Request} */
const film = () => ({
  kind: 'download',
  name: 'GET /download',
  head: 'GET /download HTTP/1.1\r\nHost: demo\r\n\r\n',
  expects: 200,
  bytes: PIECE.length * PIECES,
})
/** @param {number} id @returns {Request} */
const anonymous = (id) => ({ ...post('/upload', id, binary, upload, 401), kind: 'upload', writesFirst: true })
/** @param {number} id @returns {Request} */
const tooLarge = (id) => ({
  ...post('/upload', id, `${binary}Authorization: me\r\n`, upload, 413),
  kind: 'upload',
  writesFirst: true,
})

/** How many clients have each habit, what they send, and how long they wait between two requests. */
const habits = [
  { clients: 32, requests: [hello, hello, order], waits: [10, 150] },
  { clients: 80, requests: [hello, order], waits: [300, 3_000] },
  { clients: 16, requests: [film, film, hello], waits: [50, 400] },
  { clients: 6, requests: [anonymous, tooLarge, hello], waits: [400, 1_500] },
]
/** How far away they are, ms one way. */
const latencies = [1, 10, 20, 40]

const tally = newTally()
/** @type {object[]} */
const losses = []
const stop = new AbortController()
setMaxListeners(0, stop.signal)
let lastId = 0

/** @param {readonly [number, number] | number[]} range */
const between = ([least = 0, most = 0]) => least + Math.random() * (most - least)

/**
 * @param {number} port
 * @param {number} number
 * @param {typeof habits[number]} habit
 */
async function client(port, number, habit) {
  const latency = latencies[number % latencies.length] ?? 1
  /** @type {Connection | undefined} */
  let connection
  await pause(between([0, 1_000]))
  for (let turn = number; !stop.signal.aborted; turn++) {
    if (!connection?.usable) {
      connection?.close()
      connection = new Connection(port, latency)
      tally.connections += 1
      connection.onIdleClose = (early) => {
        if (early) tally.closedEarly += 1
      }
    }
    const id = ++lastId
    const request = /** @type {(id: number) => Request} */ (habit.requests[turn % habit.requests.length])(id)
    await run(connection, request, id)
    await pause(between(habit.waits))
  }
  connection?.close()
}

/** @param {Connection} connection @param {Request} request @param {number} id */
async function run(connection, request, id) {
  const sentAt = Date.now()
  tally.sent += 1
  const outcome = await connection.exchange(request)
  const loss = outcome.cause === undefined ? judge(outcome.response, request, id) : outcome
  if (loss === undefined) {
    tally.answered += 1
    return
  }
  countLoss(tally, request.kind, loss.cause)
  losses.push({
    ...loss,
    request: request.name,
    id,
    sentAt,
    lostAfter: Date.now() - sentAt,
    onConnection: connection.requests,
    connectionAge: sentAt - connection.openedAt,
    localPort: connection.localPort,
  })
}

/**
 * @param {import('./response-parser.mjs').ResponseParser} response
 * @param {Request} request
 * @param {number} id
 * @returns {{ cause: import('./tally.mjs').Cause, seen: string } | undefined}
 */
function judge(response, request, id) {
  if (response.status === 503) return { cause: 'unavailable', seen: `503 ${response.text.slice(0, 80)}` }
  if (response.status !== request.expects)
    return { cause: 'wrong', seen: `status ${response.status} ${response.text.slice(0, 80)}` }
  if (request.bytes !== undefined && response.bodyLength !== request.bytes)
    return { cause: 'cut', seen: `${response.bodyLength} bytes` }
  // Fastify's own 413 does not know our id.
  if (request.bytes === undefined && response.status !== 413 && JSON.parse(response.text).id !== String(id)) {
    return { cause: 'wrong', seen: `another request's answer: ${response.text.slice(0, 80)}` }
  }
  return undefined
}

/** @param {number} ms */
async function pause(ms) {
  await sleep(ms, undefined, { signal: stop.signal }).catch(() => {})
}

/** @param {number} port */
async function serve(port) {
  const clients = habits.flatMap((habit) => Array.from({ length: habit.clients }, () => habit))
  const report = setInterval(() => process.send?.({ tally }), 250)
  await Promise.all(clients.map((habit, number) => client(port, number, habit)))
  clearInterval(report)
  process.send?.({ tally, losses, done: true })
}

process.on('message', (message) => {
  if (message === 'stop') stop.abort()
  else serve(/** @type {{ port: number }} */ (message).port)
})
// The demo is gone: so are we. And Ctrl-C is for the demo to answer.
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})

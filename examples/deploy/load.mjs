/**
 * The clients of one deploy, in a process of their own. They hold keep-alive connections, or share HTTP/2 sessions, wait between requests
 * as people and other services do, and never retry; over HTTP/2 they ask again what the server says that it did not run.
 *
 * Speaks with the demo over IPC: gets { port, http2 }, later 'stop'; sends { tally } every 250 ms and { tally, losses, done } at the end.
 */
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Connection } from './connection.mjs'
import { Lanes } from './lanes.mjs'
import { habits, judge } from './requests.mjs'
import { Session } from './session.mjs'
import { countLoss, newTally } from './tally.mjs'

/** How far away they are, ms one way. */
const latencies = [1, 10, 20, 40]
/** The clients of a session are as far away as it is: a multiple of the latencies. */
const SESSIONS = 24
/** So often a request is asked again; then nobody serves it. */
const ASK_AGAIN = 5

/** @typedef {import('./requests.mjs').Request} Request */
/** @typedef {{ cause: import('./tally.mjs').Cause, seen: string } | undefined} Loss */

const tally = newTally()
/** @type {object[]} */
const losses = []
const lanes = new Lanes()
const stop = new AbortController()
setMaxListeners(0, stop.signal)
let lastId = 0

/** @param {readonly [number, number] | number[]} range */
const between = ([least = 0, most = 0]) => least + Math.random() * (most - least)
/** @param {number} number */
const latencyOf = (number) => latencies[number % latencies.length] ?? 1

/** @param {number} port @param {number} number */
function openConnection(port, number) {
  const connection = new Connection(port, latencyOf(number))
  tally.connections += 1
  connection.onIdleClose = (early) => {
    if (early) tally.closedEarly += 1
    lanes.ended(connection, early ? 'closed within its promise' : 'closed when its promise was over')
  }
  return connection
}

/** @param {number} port @param {number} number @returns {{ send(request: Request, id: number): Promise<void>, close(): void }} */
function http1Client(port, number) {
  /** @type {Connection | undefined} */
  let connection
  return {
    async send(request, id) {
      if (!connection?.usable) {
        connection?.close()
        if (connection) lanes.ended(connection, 'closed by its client, before its promise was over')
        connection = openConnection(port, number)
      }
      const used = connection
      await run(request, id, used, async () => {
        const outcome = await used.exchange(request)
        return outcome.cause === undefined ? judge(outcome.response, request, id) : outcome
      })
    },
    close: () => connection?.close(),
  }
}

/** @type {Map<number, Session>} */
const sessions = new Map()

/** @param {number} port @param {number} number */
function openSession(port, number) {
  const open = sessions.get(number)
  if (open?.usable) return open
  const session = new Session(port, latencyOf(number))
  tally.connections += 1
  sessions.set(number, session)
  return session
}

/** @param {number} port @param {number} number @returns {ReturnType<typeof http1Client>} */
function http2Client(port, number) {
  const shared = number % SESSIONS
  return {
    send: (request, id) =>
      run(request, id, openSession(port, shared), async () => {
        for (let times = 0; times <= ASK_AGAIN; times++) {
          const outcome = await openSession(port, shared).exchange(request)
          if (outcome.told === undefined) return outcome.cause === undefined ? judge(outcome.response, request, id) : outcome
          tally.askedAgain += 1
        }
        tally.askedAgain -= 1
        return { cause: 'refused', seen: `not run, ${ASK_AGAIN + 1} times` }
      }),
    close: () => sessions.get(shared)?.close(),
  }
}

/**
 * @param {Request} request
 * @param {number} id
 * @param {Connection | Session} connection
 * @param {() => Promise<Loss>} exchange
 */
async function run({ kind, name }, id, connection, exchange) {
  const sentAt = Date.now()
  const connectionAge = sentAt - connection.openedAt
  tally.sent += 1
  lanes.sent(connection, name)
  const loss = await exchange()
  lanes.over(connection, name, loss)
  if (loss === undefined) {
    tally.answered += 1
    return
  }
  countLoss(tally, kind, loss.cause)
  const { requests: onConnection, localPort } = connection
  losses.push({ ...loss, request: name, id, sentAt, lostAfter: Date.now() - sentAt, onConnection, connectionAge, localPort })
}

/** @param {{ send(request: Request, id: number): Promise<void>, close(): void }} client @param {number} number @param {typeof habits[number]} habit */
async function live(client, number, habit) {
  await pause(between([0, 1_000]))
  for (let turn = number; !stop.signal.aborted; turn++) {
    const id = ++lastId
    await client.send(/** @type {(id: number) => Request} */ (habit.requests[turn % habit.requests.length])(id), id)
    await pause(between(habit.waits))
  }
}

/** @param {number} ms */
async function pause(ms) {
  await sleep(ms, undefined, { signal: stop.signal }).catch(() => {})
}

/** @param {{ port: number, http2: boolean }} message */
async function serve({ port, http2 }) {
  const report = setInterval(() => process.send?.({ tally }), 250)
  const all = habits.flatMap((habit) => Array.from({ length: habit.clients }, () => habit))
  const clients = all.map((_habit, number) => (http2 ? http2Client : http1Client)(port, number))
  await Promise.all(clients.map((client, number) => live(client, number, /** @type {typeof habits[number]} */ (all[number]))))
  for (const client of clients) client.close()
  clearInterval(report)
  process.send?.({ tally, losses, lanes: lanes.all, done: true })
}

process.on('message', (message) => {
  if (message === 'stop') stop.abort()
  else serve(/** @type {{ port: number, http2: boolean }} */ (message))
})
// The demo is gone: so are we. And Ctrl-C is for the demo to answer.
process.once('disconnect', () => process.exit())
process.on('SIGINT', () => {})

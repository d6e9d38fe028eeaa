// Counts bytes, not time: a child process that never collects its heap serves a fixed number of requests, and says how much more is in use.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import path from 'node:path'

const FLAGS = [
  '--expose-gc',
  // Interpreted: what the compiler optimizes away depends on when it gets to it.
  '--no-opt',
  '--no-maglev',
  '--no-sparkplug',
  '--no-warnings',
  // So large that nothing is collected while we count.
  '--min-semi-space-size=128',
  '--max-semi-space-size=128',
  // Nor because little happens, on a slow machine.
  '--no-memory-reducer',
]
const WARMUP = 100
const REQUESTS = 600
const CONNECTIONS = 500
const SOME = 100
const MANY = 600
/** Requests on another connection after which a closed one is gone. */
const SETTLE = 2
const PATIENCE = 350_000

export const kinds = /** @type {const} */ (['request', 'connection', 'idle'])
/** @typedef {Partial<Record<(typeof kinds)[number], number>>} Bytes */

/**
 * Bytes of heap, measured: `request`: allocated per request on a connection that is kept; `connection`: allocated for one that is opened, asks
 * once and is closed; `idle`: kept by one that is idle. `flawed`: the same, in the same process, with one closure more for each request, or for
 * each connection.
 *
 * @param {string} directory of this file
 * @param {'bare' | 'halfclose' | 'counting'} variant
 * @param {{ flaws?: boolean, times?: number }} [wanted] whether to measure what is flawed as well; of how many runs the middle one counts
 * @returns {Promise<Bytes & { flawed: Bytes }>}
 */
export async function measure(directory, variant, { flaws = false, times = 3 } = {}) {
  const child = fork(path.join(directory, 'server.mjs'), [variant], {
    execArgv: FLAGS,
    env: { ...process.env, NODE_ENV: 'production', NODE_OPTIONS: '' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.setMaxListeners(0)
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
  try {
    const { port } = await heard(child)
    const look = async (what = {}) => {
      child.send(what)
      return heard(child)
    }
    const allocated = async (count, work) => {
      const before = await look({ collect: true })
      await work(count)
      const after = await look()
      if (after.collections > before.collections + 1) throw new Error('the heap was collected while it was counted')
      return (after.young - before.young) / count
    }
    const steady = await open(port)
    for (let part = 0; part < 3; part++) await onItsOwn(port, steady, WARMUP)
    for (let count = 0; count < WARMUP; count++) await onItsOwn(port, steady, 1)
    const perRequest = () => allocated(REQUESTS, (count) => steady.ask(count))
    const perConnection = () =>
      allocated(CONNECTIONS, async (count) => {
        for (let left = count; left > 0; left--) await onItsOwn(port, steady, 1)
      })
    // Of several, the middle one: a table of Node's may grow in one of them.
    const request = await middle(perRequest, times)
    const connection = (await middle(perConnection, times)) - SETTLE * request
    // Node's tables grow with the first ones, and do not shrink; the first snapshot leaves something of its own.
    await look({ live: true })
    await idle(port, look, { counted: false })
    const found = { request, connection, idle: await idle(port, look), flawed: {} }
    if (!flaws) return found
    await look({ flaw: 'request' })
    found.flawed.request = await perRequest()
    await look({ flaw: 'connection' })
    found.flawed.connection = (await middle(perConnection, times)) - SETTLE * request
    found.flawed.idle = await idle(port, look)
    return found
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
}

/** Between some that are open and many: what the first ones bring is not theirs. */
async function idle(port, look, { counted: live = true } = {}) {
  const clients = []
  const liveWith = async (count) => {
    while (clients.length < count) {
      const client = await open(port)
      await client.ask(1)
      clients.push(client)
    }
    return (await look({ live })).live
  }
  try {
    await liveWith(SOME)
    const some = await liveWith(SOME)
    return ((await liveWith(MANY)) - some) / (MANY - SOME)
  } finally {
    for (const { socket } of clients) socket.destroy()
    // What they leave would be counted as live the next time.
    while ((await look({ collect: true })).open > 1) await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

async function middle(run, times) {
  const values = []
  for (let count = 0; count < times; count++) values.push(await run())
  return values.sort((a, b) => a - b)[times >> 1]
}

async function heard(child) {
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code, signal]) => Promise.reject(new Error(`the server ended: ${signal ?? `exit code ${code}`}`))),
  ])
  return message
}

/** A connection that asks so many times and goes; two answers elsewhere later the server has seen the end of it. */
async function onItsOwn(port, steady, count) {
  const client = await open(port)
  await client.ask(count)
  client.socket.end()
  await once(client.socket, 'close')
  for (let left = SETTLE; left > 0; left--) await steady.ask(1)
}

async function open(port) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1')
  let left = 0
  let text = ''
  let done = () => {}
  let failed = () => {}
  socket.on('data', (piece) => {
    text += piece
    if (!text.endsWith('hello')) return
    text = ''
    if (--left > 0) socket.write(REQUEST)
    else done()
  })
  socket.on('error', (error) => failed(error))
  socket.on('close', () => failed(new Error(`closed with ${left} requests to go`)))
  return {
    socket,
    /** The next request goes out when the answer to the one before is there: the server sees the same chunks in every run. */
    ask(count) {
      left = count
      return new Promise((resolve, reject) => {
        done = resolve
        failed = reject
        socket.write(REQUEST)
      })
    },
  }
}

const REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n'

/** @param {Bytes} measured @param {Bytes} bare @returns {Bytes} */
export function over(measured, bare) {
  return Object.fromEntries(
    kinds.filter((kind) => kind in measured).map((kind) => [kind, Math.round(measured[kind] - bare[kind])]),
  )
}

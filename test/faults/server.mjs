/**
 * A server with a ledger: each request that is run is written down before anything else, so that it is known after any end. `node server.mjs '{ "kind": "https",
 * "ledger": "/tmp/file" }'`; it uses what was built. It answers what it is asked over IPC (see `deeds`), and ends by itself when it has drained and nobody asks any more.
 */
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2, createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { getHeapStatistics } from 'node:v8'
import { attach } from '@halfclose/core'
import { halfclose as forExpress } from '@halfclose/express'
import { halfclose as forFastify } from '@halfclose/fastify'
import express from 'express'
import Fastify from 'fastify'
import { Witness } from './witness.mjs'

const {
  kind,
  bare = false,
  options = {},
  keepAliveTimeout = 60_000,
  port: fixed = 0,
  ledger,
  faulty = {},
} = JSON.parse(process.argv[2])
const cert = (name) => readFileSync(new URL(`../support/cert/${name}.pem`, import.meta.url))
const tls = kind === 'https' || kind === 'h2' ? { key: cert('key'), cert: cert('cert') } : {}

const written = openSync(ledger, 'a')
/** What was logged, and not shown. */
const lines = []
const warnings = []
/** What was thrown, or rejected, by what is faulty. */
let uncaught = 0
if (faulty.how !== undefined) for (const event of ['uncaughtException', 'unhandledRejection']) process.on(event, () => uncaught++)

/** Does what was asked for, or fails where that is what was asked for. */
function orFail(what, run) {
  if (faulty.what !== what) return run()
  if (faulty.how === 'throws') throw new Error(`${what} throws`)
  return faulty.how === 'rejects' ? Promise.reject(new Error(`${what} rejects`)) : new Promise(() => {})
}
const log = (_fields, line) => orFail('logger', () => void lines.push(line))
const logger = { info: log, warn: log }
const adapted = {
  ...options,
  logger,
  ...(faulty.what === 'check' && { readiness: { path: '/ready', check: () => orFail('check'), timeout: 200 } }),
}

/** Also below HTTP/2, where `url` is the path. */
function answer(req, res) {
  const { pathname, searchParams } = new URL(req.url, 'http://a')
  const id = pathname.split('/').at(-1)
  writeSync(written, `${id}\n`)
  let bytes = 0
  req.on('data', (chunk) => (bytes += chunk.length))
  req.on('end', () => {
    const ms = Number(searchParams.get('ms'))
    const size = Number(searchParams.get('size') ?? 0)
    const text = `${id} ${bytes}${size > 0 ? ` ${'x'.repeat(size)}` : ''}`
    try {
      // What a handler does where descriptors are short.
      if (pathname.startsWith('/file')) readFileSync(new URL(import.meta.url))
    } catch {
      res.writeHead(503, { 'Retry-After': '1' }).end()
      return
    }
    if (ms > 0) setTimeout(() => res.end(text), ms)
    else res.end(text)
  })
}

async function build() {
  if (kind === 'express') {
    const app = express().use(answer)
    const onDrained = () => orFail('onDrained', () => {})
    const handle = bare ? undefined : forExpress(app, { ...adapted, onDrained })
    const server = createHttp(app)
    return { server, handle, listen: () => server.listen(fixed, '127.0.0.1') }
  }
  if (kind === 'fastify') {
    const app = Fastify({ keepAliveTimeout })
    if (!bare) await app.register(forFastify, adapted)
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.all('*', (request, reply) => {
      reply.hijack()
      answer(request.raw, reply.raw)
    })
    return { server: app.server, handle: app.halfclose, listen: () => app.listen({ port: fixed, host: '127.0.0.1' }) }
  }
  const create = { http: createHttp, https: createHttps, h2c: createHttp2, h2: createSecureServer }[kind]
  const server = create(tls, answer)
  server.on('sessionError', () => {})
  const handle = bare ? undefined : attach(server, { ...options, logger })
  return { server, handle, listen: () => server.listen(fixed, '127.0.0.1') }
}

const { server, handle, listen } = await build()
if ('keepAliveTimeout' in server) server.keepAliveTimeout = keepAliveTimeout
handle?.on('warning', ({ code, message }) => warnings.push({ code, message }))
if (faulty.what === 'listener') for (const event of ['close', 'state', 'warning']) handle.on(event, () => orFail('listener'))

/** @type {Witness | undefined} */
let witness

/** Descriptors that are taken, and memory, that nobody uses. */
const taken = []
const deeds = {
  stats: () => handle?.stats(),
  lines: () => lines,
  warnings: () => warnings,
  uncaught: () => uncaught,
  watch: () => {
    witness ??= new Witness()
  },
  late: () => witness?.late ?? [],
  state: () => handle.state,
  drain: () => handle.drain({ reason: 'test' }),
  relieve: ({ count }) => handle.relieve(count),
  /** The loop stands still: nothing of this process runs. */
  block: ({ ms }) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  descriptors: () => readdirSync('/proc/self/fd').length,
  /** Takes descriptors until `left` are left of `limit`. */
  take: ({ limit, left }) => {
    for (let open = readdirSync('/proc/self/fd').length - 1; open < limit - left; open++) taken.push(openSync('/dev/null'))
    return taken.length
  },
  give: () => {
    for (const one of taken.splice(0)) if (typeof one === 'number') closeSync(one)
  },
  /** Fills the heap up to so many MB: Node's own limit has the young generation in it, and differs from version to version. */
  fill: ({ mb }) => {
    const used = () => getHeapStatistics().used_heap_size / 2 ** 20
    while (used() < mb) taken.push(Array.from({ length: 10_000 }, (_, n) => ({ n })))
    return used()
  },
}

process.on('message', async (message) => {
  const told = await deeds[message.ask](message)
  process.send({ id: message.id, told })
})
// Nobody asks any more. What has drained ends by itself, unless something was left open.
process.on('disconnect', () => {
  if (handle?.state !== 'drained') process.exit()
})
server.once('listening', () => process.send({ port: server.address().port }))
await listen()

/**
 * A server with a ledger: how often each request was run. `node server.mjs '{ "kind": "https", "bare": true, "options": {} }'`, or all of that but what was built is used.
 * It hears { ask: 'ledger' | 'stats' | 'drain' | 'relieve' | 'block' | 'files' } over IPC, answers each, and ends by itself when it has drained and nobody listens to it any more.
 */
import { openSync, readdirSync, readFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttp2, createSecureServer } from 'node:http2'
import { createServer as createHttps } from 'node:https'
import { attach } from '@halfclose/core'
import { halfclose as forExpress } from '@halfclose/express'
import { halfclose as forFastify } from '@halfclose/fastify'
import express from 'express'
import Fastify from 'fastify'

const { kind, bare = false, options = {}, keepAliveTimeout = 60_000, port: fixed = 0 } = JSON.parse(process.argv[2])
const cert = (name) => readFileSync(new URL(`../support/cert/${name}.pem`, import.meta.url))
const tls = kind === 'https' || kind === 'h2' ? { key: cert('key'), cert: cert('cert') } : {}

/** @type {Record<string, number>} */
const ledger = {}
/** What was logged, and not shown. */
const lines = []
const logger = { info: (_fields, line) => lines.push(line), warn: (_fields, line) => lines.push(line) }
const warnings = []

/** Also below HTTP/2, where `url` is the path. */
function answer(req, res) {
  const { pathname, searchParams } = new URL(req.url, 'http://a')
  const id = pathname.split('/').at(-1)
  ledger[id] = (ledger[id] ?? 0) + 1
  let bytes = 0
  req.on('data', (chunk) => (bytes += chunk.length))
  req.on('end', () => {
    const ms = Number(searchParams.get('ms'))
    const text = `${id} ${bytes}`
    // A file of its own: what a handler does where descriptors are short.
    if (pathname.startsWith('/file')) readFileSync(new URL(import.meta.url))
    if (ms > 0) setTimeout(() => res.end(text), ms)
    else res.end(text)
  })
}

async function build() {
  if (kind === 'express') {
    const app = express().use(answer)
    const handle = bare ? undefined : forExpress(app, { ...options, logger })
    const server = createHttp(app)
    return { server, handle, listen: () => server.listen(fixed, '127.0.0.1') }
  }
  if (kind === 'fastify') {
    const app = Fastify({ keepAliveTimeout })
    if (!bare) await app.register(forFastify, { ...options, logger })
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

/** Descriptors that are taken and never used. */
const taken = []
const deeds = {
  ledger: () => ledger,
  stats: () => handle?.stats(),
  lines: () => lines,
  warnings: () => warnings,
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
}

process.on('message', async (message) => {
  const told = await deeds[message.ask](message)
  process.send({ id: message.id, told })
})
process.on('disconnect', () => process.exit())
server.once('listening', () => process.send({ port: server.address().port }))
await listen()

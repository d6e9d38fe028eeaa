/**
 * A process with an Express application that has `signals`, and a second governed server without it, for closing-server.test.ts:
 * `node closing-server.mjs http2 close`. Uses what was built. The second server is closing when the signal comes: it listens no more. With `again` it
 * listens whenever it has closed.
 */
import cluster from 'node:cluster'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { createRequire } from 'node:module'
import { setImmediate as turn } from 'node:timers/promises'
import { attach } from '@halfclose/core'
import { halfclose } from '@halfclose/express'
import express from 'express'

const [kind, how] = process.argv.slice(2)
const options = { keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } }

const file = (name) => readFileSync(new URL(`../../../../test/support/cert/${name}`, import.meta.url))
const credentials = () => ({ key: file('key.pem'), cert: file('cert.pem') })
const kinds = {
  http: (handler) => attached(http.createServer(handler)),
  https: (handler) => attached(https.createServer(credentials(), handler)),
  http2: (handler) => attached(http2.createServer(handler)),
  http2s: (handler) => attached(http2.createSecureServer(credentials(), handler)),
  async fastify(handler) {
    const { halfclose: plugin } = await import('@halfclose/fastify')
    const app = createRequire(import.meta.url)('fastify')()
    await app.register(plugin, options)
    app.get('/held', (request, reply) => {
      reply.hijack()
      handler(request.raw, reply.raw)
    })
    await app.ready()
    return { server: app.server, connections: app.halfclose, close: () => app.close() }
  },
}

function attached(server) {
  return { server, connections: attach(server, options), close: () => server.close() }
}

/** Resolves when the server listens no more, and its handle is gone. */
async function closing(server) {
  while (server.listening) await turn()
  await turn()
  await turn()
}

async function serve() {
  const other = await kinds[kind](async (_req, res) => {
    if (how === 'close') other.close()
    if (how === 'drain') other.connections.drain()
    if (how === 'close' || how === 'drain') await closing(other.server)
    console.log('arrived')
    setTimeout(() => res.end('held'), 500)
  })
  if (how === 'again') other.server.on('close', () => other.server.listen(0, '127.0.0.1'))
  const app = express()
  halfclose(app, { ...options, signals: true })
  app.listen(0, '127.0.0.1', () => {
    other.server.listen(0, '127.0.0.1', () => console.log(`listening ${other.server.address().port} ${process.pid}`))
  })
}

// The primary listens for a worker, which is told to end like any process.
if (how !== 'clustered') await serve()
else if (cluster.isWorker) await serve()
else cluster.fork().on('exit', (code, signal) => console.log(`worker ended ${signal ?? code}`))

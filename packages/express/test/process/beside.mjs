/**
 * A process in which the application is not alone, or what it brings fails, for beside.test.ts: `node beside.mjs scene`. Uses what was built. `/held`
 * is answered after `?ms=`.
 */
import http from 'node:http'
import { createRequire } from 'node:module'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { attach } from '@halfclose/core'
import { halfclose } from '@halfclose/express'
import express from 'express'
import passesSignalsTo from './passes-signals-to.cjs'

const scene = process.argv[2] ?? workerData
const options = { signals: true, keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } }

function held(req, res) {
  console.log('arrived')
  setTimeout(() => res.end('held'), Number(new URL(req.url, 'http://a').searchParams.get('ms')))
}

function application(more) {
  const app = express()
  const connections = halfclose(app, { ...options, ...more })
  app.get('/held', held)
  return { app, connections }
}

/** The server that is asked. */
function listen(server) {
  server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`))
  return server
}

/** Listens, and is asked for nothing. */
function quiet(server, then = () => {}) {
  server.listen(0, '127.0.0.1', then)
}

const failsLater = async () => fails()
const fails = () => {
  throw new Error('the logger is closed')
}

const inThread = () => new Worker(new URL(import.meta.url), { workerData: scene })

/** npm and systemd send a signal twice. The second one waits until the event loop goes on. */
function blockAmidSignals() {
  process.kill(process.pid, 'SIGTERM')
  const until = performance.now() + 600
  while (performance.now() < until);
}

const scenes = {
  'the logger fails'() {
    listen(http.createServer(application({ logger: { info: fails, warn: fails } }).app))
    process.on('SIGTERM', () => {})
  },
  'the logger fails, and readiness.check fails with what is no text'() {
    const check = () => Promise.reject(Object.create(null))
    listen(http.createServer(application({ logger: { info: fails, warn: fails }, readiness: { path: '/ready', check } }).app))
  },
  'the logger fails later'() {
    listen(http.createServer(application({ logger: { info: failsLater, warn: failsLater } }).app))
  },
  'the signal is sent twice, and the event loop blocks between'() {
    const { app, connections } = application()
    connections.on('state', ({ state }) => state === 'draining' && blockAmidSignals())
    listen(http.createServer(app))
  },
  'a worker thread has the application, the signal is sent twice, and its event loop blocks between'() {
    if (isMainThread) {
      passesSignalsTo(inThread())
      return
    }
    const { app, connections } = application()
    connections.on('state', ({ state }) => state === 'draining' && blockAmidSignals())
    const server = http.createServer(app)
    quiet(server)
    parentPort.once('message', () => console.log(`listening ${server.address().port}`))
  },
  'it is registered, too, and the server was attached'() {
    const server = http.createServer(held)
    attach(server, { keepAlive: { timeout: 1_000 } })
    listen(server)
  },
  'another server was attached'() {
    const server = http.createServer(held)
    attach(server, { keepAlive: { timeout: 1_000 } })
    quiet(http.createServer(application().app), () => listen(server))
  },
  'another server was attached, and is drained by a listener of its own'() {
    const server = http.createServer(held)
    const connections = attach(server, { keepAlive: { timeout: 1_000 } })
    process.once('SIGTERM', () => connections.drain())
    quiet(http.createServer(application().app), () => listen(server))
  },
  'another server was attached, and cuts a request'() {
    const server = http.createServer(held)
    attach(server, { drain: { deadline: 100 } })
    quiet(http.createServer(application().app), () => listen(server))
  },
  'it is registered, too, and a function stands before the application'() {
    const { app } = application({
      readiness: '/ready',
      drain: { delay: 0 },
      onDrained: ({ reason }) => console.log(`onDrained ${reason}`),
    })
    listen(http.createServer((req, res) => app(req, res)))
  },
  async 'a Fastify application leaves signals alone'() {
    const { halfclose: plugin } = await import('@halfclose/fastify')
    const app = createRequire(import.meta.url)('fastify')()
    await app.register(plugin, { keepAlive: { timeout: 1_000 } })
    app.get('/held', (_request, reply) => {
      reply.hijack()
      held(_request.raw, reply.raw)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    quiet(http.createServer(application().app), () => console.log(`listening ${app.server.address().port}`))
  },
  'a worker thread has the application, and the main thread closes a server of its own'() {
    if (isMainThread) {
      const server = http.createServer(held)
      process.once('SIGTERM', () => server.close())
      inThread().on('message', () => listen(server))
    } else threadListens()
  },
  'a worker thread comes while another one leaves'() {
    if (!isMainThread) {
      listen(http.createServer(application().app))
      return
    }
    inThread()
    process.once('SIGTERM', () => setTimeout(inThread, 50))
  },
  'a worker thread is terminated amid its drain'() {
    if (!isMainThread) {
      listen(http.createServer(application().app))
      return
    }
    const worker = inThread()
    process.once('SIGTERM', () => setTimeout(() => worker.terminate(), 100))
  },
  'a worker thread exits amid its drain'() {
    if (!isMainThread) {
      const { app, connections } = application()
      connections.on('state', ({ state }) => state === 'draining' && setTimeout(() => process.exit(0), 100))
      listen(http.createServer(app))
      return
    }
    inThread()
    setInterval(() => {}, 1_000)
  },
}

async function threadListens() {
  // By then the main thread passes signals on.
  quiet(http.createServer(application().app), () => setTimeout(() => parentPort.postMessage('here'), 500))
}

process.on('warning', ({ code }) => console.log(`warning ${code}`))
await scenes[scene]()

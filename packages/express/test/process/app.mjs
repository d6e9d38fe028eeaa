/**
 * A process in which an Express application is at home in another way than usual, for process.test.ts: `node app.mjs scene`. Uses what was built.
 * The application answers `/held` half a second after it was told to leave, so that its request is open then.
 */
import http from 'node:http'
import net from 'node:net'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { attach } from '@halfclose/core'
import { halfclose } from '@halfclose/express'
import express from 'express'

const scene = process.argv[2] ?? workerData
const say = (...words) => console.log(...words)
const options = { signals: true, keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } }

function application() {
  const app = express()
  app.get('/', (_req, res) => res.send('x'))
  app.get('/held', (_req, res) => {
    say('arrived')
    setTimeout(() => res.send('held'), 500)
  })
  return app
}

function listen(server, port = 0) {
  server.listen(port, '127.0.0.1', () => say(`listening ${server.address().port}`))
  return server
}

/** As @socket.io/sticky, httpolyglot, or a TCP front do. */
const front = (server) => listen(net.createServer((socket) => server.emit('connection', socket)))

const scenes = {
  'the application is registered after it listens'() {
    const app = application()
    const server = http.createServer(app)
    server.listen(0, '127.0.0.1', () => {
      halfclose(app, options)
      say(`listening ${server.address().port}`)
    })
  },
  'the application is registered while its server is about to listen'() {
    const app = application()
    listen(http.createServer(app))
    halfclose(app, options)
  },
  'the application is registered after it listens, behind a function'() {
    const app = application()
    const server = http.createServer((req, res) => app(req, res))
    server.listen(0, '127.0.0.1', () => {
      halfclose(app, options)
      say(`listening ${server.address().port}`)
    })
  },
  'a server that never listens was attached'() {
    const app = application()
    const server = http.createServer(app)
    halfclose(app, options).attach(server)
    front(server)
  },
  'a server that never listens was not attached'() {
    const app = application()
    halfclose(app, options)
    front(http.createServer(app))
  },
  'the core governs the server, since before the application was registered'() {
    const app = application()
    const server = http.createServer(app)
    attach(server, { keepAlive: { timeout: 1_000 } })
    halfclose(app, { signals: true })
    listen(server)
  },
  'the core governs the server, since after the application was registered'() {
    const app = application()
    const server = http.createServer(app)
    halfclose(app, { signals: true, readiness: '/ready', onDrained: ({ reason }) => say(`onDrained ${reason}`) })
    attach(server, { keepAlive: { timeout: 1_000 } })
    listen(server)
  },
  'onDrained never settles'() {
    const app = application()
    halfclose(app, { ...options, onDrained: () => new Promise(() => {}) })
    listen(http.createServer(app))
    setInterval(() => {}, 1_000)
  },
  'a worker thread has the application'() {
    inThread()
  },
  'a worker thread has the application, beside one of the main thread'() {
    if (isMainThread) {
      const app = application()
      halfclose(app, options)
      app.listen(0, '127.0.0.1', inThread)
    } else inThread()
  },
  'a worker thread came first, and the main thread has an application too'() {
    if (!isMainThread) {
      inThread()
      return
    }
    const worker = new Worker(new URL(import.meta.url), { workerData: scene })
    worker.once('message', () => {
      const app = application()
      halfclose(app, options)
      app.listen(0, '127.0.0.1', () => worker.postMessage('say where you listen'))
    })
  },
  'a worker thread cuts a request'() {
    inThread({ drain: { deadline: 100 } })
  },
  'a worker thread has an exit code of its own'() {
    if (!isMainThread) process.exitCode = 7
    inThread()
  },
  'a worker thread ends amid its drain'() {
    if (!isMainThread) parentPort.on('message', () => process.exit(0))
    const worker = inThread()
    if (isMainThread) {
      const app = application()
      halfclose(app, options)
      app.listen(0, '127.0.0.1')
      process.on('SIGTERM', () => setTimeout(() => worker.postMessage('end'), 100))
    }
  },
}

/** In the main thread starts the worker, which has the application. */
function inThread(more = {}) {
  if (isMainThread) {
    const worker = new Worker(new URL(import.meta.url), { workerData: scene })
    worker.on('message', (message) => say(`the application's own message: ${JSON.stringify(message)}`))
    return worker
  }
  const app = application()
  const connections = halfclose(app, { ...options, ...more })
  connections.on('state', ({ state }) => say(`state ${state}`))
  const server = app.listen(0, '127.0.0.1', () => {
    const listening = () => say(`listening ${server.address().port}`)
    parentPort.once('message', listening)
    parentPort.postMessage({ hello: 'main' })
    // The main thread answers within a moment.
    if (!scene.includes('came first')) setTimeout(listening, 200)
  })
}

process.on('warning', ({ code }) => say(`warning ${code}`))
if (isMainThread) process.on('exit', (code) => say(`exit ${code}`))
scenes[scene]()

// Servers under one policy, in a process of their own: jest would take what nobody catches for itself. The parent says which, and when they drain.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createSecureServer, createServer } from 'node:http2'
import { fileURLToPath } from 'node:url'
import { govern } from '@halfclose/core/adapter'
import { Sums } from '../sums.mjs'

const pem = (name) => readFileSync(new URL(`../../support/cert/${name}.pem`, import.meta.url))
const credentials = { key: pem('key'), cert: pem('cert') }
const self = fileURLToPath(import.meta.url)
const logger = { info: () => {}, warn: () => {} }
const ignore = () => {}

/** What an application does that minds its own errors. */
const routes = {
  '/slow': (_req, res) => setTimeout(() => res.end('late'), 3),
  '/held': () => {},
  '/big': (_req, res) => res.end(Buffer.alloc(300_000, 'x')),
  '/read': (req, res) => req.resume().on('end', () => res.end('read')),
  '/half': (_req, res) => {
    res.write('half')
    setTimeout(() => res.destroy(), 2)
  },
  '/error': (_req, res) => {
    res.write('half')
    setTimeout(() => res.destroy(new Error('of the application')), 2)
  },
  '/close': (_req, res) => res.setHeader('Connection', 'close').end('bye'),
  '/cancel': (req) => req.stream.close(8),
  '/file': ({ stream }) => stream.respondWithFile(self, { ':status': 200 }, { onError: ignore }),
  '/push': (_req, res) =>
    res.createPushResponse({ ':path': '/pushed' }, (error, pushed) => {
      if (error) return res.end('not pushed')
      pushed.stream.on('error', ignore)
      pushed.end('pushed')
      res.end('pushed')
    }),
  '/late-head': (_req, res) => setImmediate(() => res.writeHead(200).end('head')),
}

function handle(req, res) {
  world.sums.look()
  const route = routes[req.url?.split('?')[0]] ?? (() => res.end('ok'))
  try {
    route(req, res)
  } catch {
    // The client has reset its stream: what a framework would catch.
  }
}

function tunnel(_req, res) {
  const { stream } = res
  stream.on('error', ignore)
  if (!stream.destroyed) stream.respond({ ':status': 200 })
  stream.pipe(stream)
}

let world

async function open(options) {
  const servers = [createServer(), createSecureServer({ ...credentials, allowHTTP1: true })]
  const handler = (req, res) => handle(req, res)
  const { connections } = govern({ name: 'frames', handler, alsoKnown: [], already: 'governed twice' }, { ...options, logger })
  for (const server of servers) {
    server.on('request', handler)
    server.on('connect', tunnel)
    connections.attach(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
  }
  world = { connections, sums: new Sums(connections), drained: undefined }
  return servers.map((server) => server.address().port)
}

async function end() {
  const report = await drain()
  world.sums.end(report)
  const { open: left, requests: counted } = world.connections.stats()
  return { ms: report.ms, open: left, counted, wrong: world.sums.wrong }
}

const drain = () => (world.drained ??= world.connections.drain())

const commands = { open, drain: () => void drain(), end }

process.on('message', async ([command, argument]) => {
  world?.sums.look()
  process.send(['done', await commands[command](argument)])
})
process.on('uncaughtException', (error) => process.send(['uncaught', error.stack]))
process.on('unhandledRejection', (error) => process.send(['unhandled', error instanceof Error ? error.stack : String(error)]))
process.on('disconnect', () => process.exit())

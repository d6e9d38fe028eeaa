/**
 * A server that a test makes stand still (or that does so itself), so that its clients go on: `HALFCLOSE_STAND='{ "kind": "https", "options": {} }' node server.mjs`.
 * Uses what was built. It hears 'drain', 'answer' and { block: ms }, and tells its port, requests, states, closes and report.
 */
import { readFileSync } from 'node:fs'
import { attach } from '@halfclose/core'

const { kind, options, answersErrors, timeouts } = JSON.parse(process.env.HALFCLOSE_STAND)
const cert = (name) => readFileSync(new URL(`../../../../test/support/cert/${name}.pem`, import.meta.url))
const tls = kind === 'https' || kind === 'h2' ? { key: cert('key'), cert: cert('cert') } : {}
// The only module that is loaded: a hundred of these processes are started.
const module = await import({ http: 'node:http', https: 'node:https', h2c: 'node:http2', h2: 'node:http2' }[kind])
const create = kind === 'h2' ? module.createSecureServer : module.createServer

/** What waits for 'answer'. */
const waiting = []
const routes = {
  '/': (_req, res) => res.end('x'),
  '/upload': (req, res) => {
    let bytes = 0
    req.on('data', (chunk) => (bytes += chunk.length)).on('end', () => res.end(`${bytes} bytes`))
  },
  '/early': (_req, res) => res.writeHead(413, kind.startsWith('http') ? { Connection: 'close' } : {}).end('too much'),
  '/large': (_req, res) => res.end(Buffer.alloc(300_000, 'x')),
  '/wait': (_req, res) => waiting.push(() => res.end('waited')),
}

/** After the check phase timers come first: what they do they do before the input is read. */
function standStill(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const server = create({ ...tls, ...timeouts, connectionsCheckingInterval: 100 }, (req, res) => {
  process.send({ request: req.url })
  routes[req.url](req, res)
})
server.on('sessionError', () => {})
if (answersErrors) {
  server.on('clientError', (_error, socket) => {
    process.send({ request: 'malformed' })
    waiting.push(() => socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'))
  })
}
const connections = attach(server, { ...options, logger: { info() {}, warn() {} } })
connections.on('close', ({ reason }) => process.send({ close: reason }))
connections.on('state', ({ state }) => process.send({ state }))
process.on('message', async (message) => {
  if (message === 'answer') for (const answer of waiting.splice(0)) answer()
  else if (message.block) process.send({ blocked: true }, () => setImmediate(standStill, message.block))
  else process.send({ report: await connections.drain({ reason: 'test' }) })
})
process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

// A server that says how much of its heap is in use. Started by measure.mjs, with a heap that is never collected unless it is asked to.
import { createServer } from 'node:http'
import { getHeapSnapshot, getHeapSpaceStatistics } from 'node:v8'
import { attach } from '@halfclose/core'

const [variant] = process.argv.slice(2)
const server = createServer((_req, res) => {
  res.setHeader('Content-Type', 'text/plain')
  res.end('hello')
})
server.keepAliveTimeout = 600_000
const keepAlive = { timeout: 5_000, hold: 600_000 }
if (variant === 'halfclose') attach(server, { keepAlive })
if (variant === 'counting') attach(server, { keepAlive: { ...keepAlive, maxRequests: 1_000_000 } })

// The regressions that must be noticed: one closure more, from when the test asks for it.
const flaws = {
  request: ['request', (req) => Object.assign(req, { flaw: () => req })],
  connection: ['connection', (socket) => Object.assign(socket, { flaw: () => socket })],
}
function bringIn(flaw) {
  for (const [event, listener] of Object.values(flaws)) server.off(event, listener)
  server.on(...flaws[flaw])
}

let collections = 0
new PerformanceObserver((list) => {
  collections += list.getEntries().length
}).observe({ entryTypes: ['gc'] })

process.on('message', async ({ collect, live, flaw }) => {
  if (flaw) bringIn(flaw)
  if (collect) globalThis.gc()
  const open = await new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
  process.send({ young: youngBytes(), live: live && (await liveBytes()), collections, open })
})

/**
 * What is in use where V8 allocates objects: exact, while nothing is collected. V8's own tables and code are in other spaces, and grow by up to 256 KB at once.
 */
function youngBytes() {
  const young = getHeapSpaceStatistics().filter(({ space_name }) => space_name.startsWith('new_'))
  return young.reduce((sum, { space_used_size }) => sum + space_used_size, 0)
}

/** The sizes of all objects that can be reached, from a snapshot: in exact bytes, which the collector's own figure is not. */
async function liveBytes() {
  const pieces = []
  for await (const piece of getHeapSnapshot()) pieces.push(piece)
  const { snapshot, nodes } = JSON.parse(Buffer.concat(pieces).toString())
  const { node_fields: fields } = snapshot.meta
  let sum = 0
  for (let at = fields.indexOf('self_size'); at < nodes.length; at += fields.length) sum += nodes[at]
  return sum
}

process.on('disconnect', () => process.exit())
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))

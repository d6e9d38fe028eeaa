import { createServer } from 'node:http'
import { Client } from '../../../test/support/client.js'
import { listening } from '../../../test/support/server.js'
import { interceptProbes } from '../src/adapter/readiness.js'
import { createConnections } from '../src/handle/attach.js'

// The target of a probe may have the absolute form (RFC 9112 §3.2.2).
test.each([
  ['/live', true],
  ['/live?a=b', true],
  ['http://host/live', true],
  ['HTTP://host:8080/live?a=b', true],
  ['http://host/lively', false],
  ['http://live/', false],
  ['http://host?/live', false],
])('%s is a probe: %s', async (target, isProbe) => {
  const server = createServer((_req, res) => void res.end('application'))
  const connections = createConnections({ drain: 'fast' }, { intercept: interceptProbes(undefined, undefined, '/live') })
  connections.attach(server)
  const port = await listening(server)
  const client = await Client.open({ port })
  const { text } = await client.ask(`GET ${target} HTTP/1.1\r\nHost: host\r\n\r\n`)
  expect(text !== 'application').toBe(isProbe)
  client.destroy()
  await connections.drain()
})

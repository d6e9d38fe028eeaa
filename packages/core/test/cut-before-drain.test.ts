import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { Socket } from 'node:net'
import { attach } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { portOf, quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'

// With the core alone a listener of the signal may destroy connections, and then call drain(), or the next listener does: one tick.

test.each([
  ['in the same tick is counted by the report', 0, { clean: false, cut: 1 }],
  ['in an earlier tick is not the work of the drain', 1, { clean: true, cut: 0 }],
])('what is cut %s', async (_when, ticks, expected) => {
  const server = createServer()
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  const connections = attach(server, { logger: quiet, drain: { deadline: 5_000 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = await Client.open({ port: portOf(server) })
  await client.send(get('/'))
  await once(server, 'request')
  for (const socket of sockets) socket.destroy()
  for (let tick = 0; tick < ticks; tick++) await new Promise((resolve) => setImmediate(resolve))
  const { clean, requests } = await within(connections.drain(), () => 'the drain')
  expect({ clean, cut: requests.cut }).toEqual(expected)
  expect(connections.stats().requests.cut).toBe(1)
  client.destroy()
})

test('over HTTP/2, whose streams close a tick later, too', async () => {
  const server = createHttp2Server()
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  const connections = attach(server, { logger: quiet, drain: { deadline: 5_000 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const session = connectHttp2(`http://127.0.0.1:${portOf(server)}`).on('error', () => {})
  session.request({ ':path': '/' }).on('error', () => {})
  await once(server, 'stream')
  for (const socket of sockets) socket.destroy()
  const { clean, requests } = await within(connections.drain(), () => 'the drain')
  expect({ clean, cut: requests.cut }).toEqual({ clean: false, cut: 1 })
  expect(connections.stats().requests.cut).toBe(1)
  session.destroy()
})

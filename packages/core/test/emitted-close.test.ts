import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import type { Socket } from 'node:net'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'

// Other code emits 'close' on a socket that is open: what is counted follows the sockets, not the events.

test("a 'close' that other code emits below a session ends it once", async () => {
  const sockets: Socket[] = []
  const server = createHttp2Server((_req, res) => res.end('ok')).on('connection', (socket: Socket) => sockets.push(socket))
  const connections = attach(server, { logger: quiet, drain: 'fast' })
  const client = connectHttp2(`http://127.0.0.1:${await listening(server)}`)
  client.on('error', () => {})
  const stream = client.request({ ':path': '/' }).resume()
  await within(once(stream, 'close'), () => 'the answer')
  for (let times = 0; times < 3; times++) sockets[0]?.emit('close')
  expect(connections.stats().connections.closed).toBe(0)
  client.destroy()
  await until('the session to be counted', () => connections.stats().connections.closed > 0)
  await within(connections.drain(), () => 'the drain')
  const { opened, closed } = connections.stats().connections
  expect({ opened, closed }).toEqual({ opened: 1, closed: 1 })
})

test("a WebSocket whose socket emits 'close' is open until it is closed", async () => {
  const sockets: Socket[] = []
  const server = createServer().on('upgrade', (_req, socket: Socket) => {
    sockets.push(socket)
    socket.on('error', () => {}).resume()
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
  })
  const connections = attach(server, { logger: quiet, drain: 'fast' })
  const client = await Client.open({ port: await listening(server) })
  await client.ask(get('/', 'Connection: Upgrade', 'Upgrade: x'))
  sockets[0]?.emit('close')
  expect([connections.stats().open.upgraded, connections.stats().connections.closed]).toEqual([1, 0])
  client.vanish()
  await until('the connection to be counted', () => connections.stats().connections.closed === 1)
  await within(connections.drain(), () => 'the drain')
})

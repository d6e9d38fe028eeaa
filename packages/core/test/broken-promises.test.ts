import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { within } from '../../../test/support/wait.js'
import { attach, type CloseEvent } from '../src/index.js'

// An application that ends a connection itself between two requests. How the client sees it is the application's choice; that the promise was broken is counted.

const ways: Record<string, (socket: Socket) => void> = {
  'destroy()': (socket) => void socket.destroy(),
  'destroy(error)': (socket) => void socket.destroy(new Error('mine')),
  'resetAndDestroy()': (socket) => void socket.resetAndDestroy(),
  'destroySoon()': (socket) => socket.destroySoon(),
}

test.each(Object.entries(ways))('%s of an idle socket within its promise breaks that, and is counted', async (_, end) => {
  const server = createServer((_req, res) => void res.end('x'))
  const connections = attach(server, { drain: 'fast', keepAlive: { timeout: 30_000 } })
  const sockets: Socket[] = []
  server.on('connection', (socket) => sockets.push(socket))
  server.on('clientError', () => {})
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const client = await Client.open({ port: typeof address === 'object' && address !== null ? address.port : 0 })
  const closed = new Promise<CloseEvent>((resolve) => connections.once('close', resolve))
  try {
    await client.ask(get('/'))
    for (const socket of sockets) {
      socket.on('error', () => {})
      end(socket)
    }
    await client.closed()
    expect(await within(closed, () => 'the close event')).toMatchObject({ reason: 'handler', promise: 'broken' })
    expect(connections.stats().promisesBroken).toEqual({ destroy: 1 })
  } finally {
    client.destroy()
    await within(connections.drain(), () => 'the drain')
  }
})

test('a client that ends an idle connection breaks none', async () => {
  const server = createServer((_req, res) => void res.end('x'))
  const connections = attach(server, { drain: 'fast', keepAlive: { timeout: 30_000 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  for (const leave of [(client: Client) => client.fin(), (client: Client) => client.reset()]) {
    const closed = new Promise((resolve) => connections.once('close', resolve))
    const client = await Client.open({ port })
    await client.ask(get('/'))
    leave(client)
    await within(closed, () => 'the close event')
    client.destroy()
  }
  await within(connections.drain(), () => 'the drain')
  expect(connections.stats().promisesBroken).toEqual({})
})

test('nor does the refusal of a CONNECT: that connection was not idle', async () => {
  const server = createServer((_req, res) => void res.end('x'))
  const connections = attach(server, { drain: 'fast', keepAlive: { timeout: 30_000 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const client = await Client.open({ port: typeof address === 'object' && address !== null ? address.port : 0 })
  const closed = new Promise<CloseEvent>((resolve) => connections.once('close', resolve))
  await client.ask(get('/'))
  expect((await client.ask('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')).status).toBe(501)
  const event = await within(closed, () => 'the close event')
  expect(event).toMatchObject({ reason: 'error', state: 'closing', request: undefined, promise: 'none' })
  client.destroy()
  await within(connections.drain(), () => 'the drain')
})

test('a drain that does not wait for the rest of a body breaks the promise before it, and counts that', async () => {
  const server = createServer((_req, res) => void res.end('early'))
  const connections = attach(server, { drain: { delay: 0 }, keepAlive: { timeout: 30_000 }, linger: { quiet: 300 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const client = await Client.open({ port: typeof address === 'object' && address !== null ? address.port : 0 })
  const closed = new Promise<CloseEvent>((resolve) => connections.once('close', resolve))
  await client.ask('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nx')
  const { promisesBroken } = await within(connections.drain(), () => 'the drain')
  expect(await within(closed, () => 'the close event')).toMatchObject({ reason: 'draining', promise: 'broken' })
  expect(promisesBroken).toEqual({ 'drain-idle': 1 })
  client.destroy()
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import { halfclose } from '@halfclose/express'
import express from 'express'
import { createProxyMiddleware } from 'http-proxy-middleware'
import { WebSocket, WebSocketServer } from 'ws'
import { listening, portOf } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'

// WebSockets that nobody has a handle to: http-proxy-middleware pipes them from one socket to the other.
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0).reverse()) close()
})

async function backend(): Promise<{ port: number; sockets: WebSocketServer }> {
  const server = createServer()
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  closing.push(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
  })
  return { port: await listening(server), sockets }
}

test('with drain.upgraded they end by 1001, at both ends, long before the deadline', async () => {
  const { port, sockets } = await backend()
  const app = express()
  const connections = halfclose(app, { drain: { upgraded: 400, deadline: 20_000 } })
  const proxy = createProxyMiddleware({ target: `http://127.0.0.1:${port}`, ws: true })
  app.use(proxy)
  const front = app.listen(0, '127.0.0.1')
  front.on('upgrade', proxy.upgrade)
  if (!front.listening) await once(front, 'listening')
  closing.push(() => front.closeAllConnections())

  const client = new WebSocket(`ws://127.0.0.1:${portOf(front)}/chat`)
  closing.push(() => client.terminate())
  await within(once(client, 'open'), () => 'the client is connected')
  client.send(Buffer.alloc(100_000, 1))
  const [echoed] = await within(once(client, 'message'), () => 'the echo')
  expect(echoed).toHaveLength(100_000)
  const [served] = sockets.clients
  if (served === undefined) throw new Error('the backend has no client')

  const closes = [client, served].map(async (socket) => (await once(socket, 'close'))[0])
  const drained = connections.drain({ reason: 'SIGTERM' })
  expect(await within(Promise.all(closes), () => 'both ends are closed')).toEqual([1001, 1001])
  const report = await within(drained, () => 'the drain')
  expect(report).toMatchObject({ clean: true, heldBy: [], connections: { byReason: { draining: 1 } } })
  expect(report.ms).toBeLessThan(15_000)
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, createServer as createNetServer, type Socket } from 'node:net'
import { attach } from '@halfclose/core'
import { listening } from '../../../test/support/server.js'

// `server.emit('connection', socket)` is public API (Node's docs): other code listens, and passes connections on.
it('serves a connection that is handed to the server in the turn in which the last one has closed', async () => {
  const server = createServer((_req, res) => void setTimeout(() => res.end('served'), 50))
  const connections = attach(server, { drain: { deadline: 30_000 } })
  const front = createNetServer()
  const [port, frontPort] = [await listening(server), await listening(front)]

  const accepted: Promise<Socket[]> = once(front, 'connection')
  const second = connect(frontPort, '127.0.0.1')
  const [handed] = await accepted
  server.once('connection', (socket: Socket) =>
    socket.on('close', () =>
      process.nextTick(() => {
        server.emit('connection', handed)
        second.write('GET /late HTTP/1.1\r\nHost: a\r\n\r\n')
      }),
    ),
  )
  const answer = new Promise<string>((resolve) => {
    let text = ''
    second.on('data', (chunk) => {
      text += chunk
    })
    second.on('close', () => resolve(text))
  })
  const first = connect(port, '127.0.0.1')
  const arrived = once(server, 'request')
  first.resume().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  await arrived

  const report = await connections.drain()
  expect(await answer).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*served$/)
  expect(report).toMatchObject({ clean: true, heldBy: [], requests: { finished: 1, rescued: 1, cut: 0 } })
  front.close()
})

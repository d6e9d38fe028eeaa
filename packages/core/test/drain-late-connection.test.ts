import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createNetServer, type Socket } from 'node:net'
import { attach } from '@halfclose/core'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'

const opened = endedAfterEach()

// `server.emit('connection', socket)` is public API (Node's docs): other code listens, and passes connections on.
it('serves a connection that is handed to the server in the turn in which the last one has closed', async () => {
  const server = createServer((_req, res) => void setTimeout(() => res.end('served'), 50))
  const connections = attach(server, { drain: { deadline: 30_000 }, logger: quiet })
  const front = createNetServer()
  const [port, frontPort] = [await opened.listen(server), await opened.listen(front)]

  const accepted: Promise<Socket[]> = once(front, 'connection')
  const second = await opened.connect(frontPort)
  const [handed] = await within(accepted, () => 'the connection that is handed over')
  server.once('connection', (socket: Socket) =>
    socket.on('close', () =>
      process.nextTick(() => {
        server.emit('connection', handed)
        void second.send(get('/late'))
      }),
    ),
  )
  const first = await opened.connect(port)
  const arrived = once(server, 'request')
  void first.send(get('/'))
  await within(arrived, () => 'the first request')

  const report = await within(connections.drain(), () => 'the drain', 30_000)
  expect(await second.next()).toMatchObject({ status: 200, text: 'served', closes: true })
  expect(report).toMatchObject({ clean: true, heldBy: [], requests: { finished: 1, rescued: 1, cut: 0 } })
})

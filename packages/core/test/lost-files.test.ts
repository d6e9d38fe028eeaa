import { once } from 'node:events'
import { createServer, type ServerHttp2Stream } from 'node:http2'
import { FrameClient } from '../../../test/support/h2/client.js'
import { frame } from '../../../test/support/h2/frames.js'
import { quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
import { attach, type CloseEvent } from '../src/index.js'

const ways: Record<string, (client: FrameClient) => void> = {
  'TCP reset': (client) => client.connection.reset(),
  'GOAWAY with an error': (client) => client.goaway(2),
  'frame that may not come': (client) => void client.send(frame('WINDOW_UPDATE', 0, 0, Buffer.alloc(4))),
}

/** Node ends the stream at once, and pipes the file past it: by what it says of its end each of these would look answered. */
test.each(Object.entries(ways))('a client that ends its session amid a file by a %s was not answered', async (_, leave) => {
  const server = createServer()
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => {})
    stream.respondWithFile(process.execPath, { ':status': 200 })
  })
  const connections = attach(server, { drain: 'fast', logger: quiet, linger: { quiet: 300 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = await FrameClient.open({ port, polite: false })
  const closed = new Promise<CloseEvent>((resolve) => connections.once('close', resolve))
  client.ask('/')
  await until('it takes no more', () => client.connection.raw.bytesRead > 65_000)
  leave(client)
  const event = await within(closed, () => `the close event\n${client}`)
  expect(event).toMatchObject({ inFlight: true, request: 'sending' })
  expect(connections.stats().requests).toMatchObject({ received: 1, finished: 0, aborted: 1, cut: 0 })
  client.connection.destroy()
  await connections.drain()
})

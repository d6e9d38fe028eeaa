import { once } from 'node:events'
import { createServer } from 'node:http2'
import { FrameClient } from '../../../test/support/h2/client.js'
import { frame } from '../../../test/support/h2/frames.js'
import { quiet } from '../../../test/support/server.js'
import { pass, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'

async function governed() {
  const server = createServer((req, res) => req.resume().on('end', () => res.end('read')))
  const connections = attach(server, { drain: 'fast', logger: quiet, http2: { stalled: 500 }, linger: { quiet: 300 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const client = await FrameClient.open({ port: typeof address === 'object' && address !== null ? address.port : 0 })
  const stream = client.ask('/', { method: 'POST', end: false })
  return { connections, client, stream }
}

const wrong = {
  'DATA on stream 0': frame('DATA', 0, 0, Buffer.from('x')),
  'DATA on a stream that was never opened': frame('DATA', 0, 99, Buffer.from('x')),
  'padding that is longer than its frame': frame('DATA', 8, 1, Buffer.from([200, 1])),
}

/** Bare Node 20 keeps it for as long as the client likes, and its handler is never told. */
test('a frame that may not come ends the session, whatever its handler waits for (RFC 9113 §5.4.1)', async () => {
  await Promise.all(
    Object.entries(wrong).map(async ([what, bytes]) => {
      const { connections, client } = await governed()
      const closed = new Promise((resolve) => connections.once('close', resolve))
      void client.send(bytes)
      await client.until(() => client.goaways.some(({ code }) => code === 1), what)
      await within(closed, () => `the close event, after ${what}\n${client}`, 30_000)
      expect(connections.stats().requests).toMatchObject({ received: 1, aborted: 1 })
      client.connection.destroy()
      await connections.drain()
    }),
  )
})

test('a client that sends nothing for longer keeps its session', async () => {
  const { connections, client, stream } = await governed()
  await pass(4_000)
  client.data(stream, 'x', true)
  expect((await client.answer(stream)).text).toBe('read')
  client.connection.fin()
  await connections.drain()
})

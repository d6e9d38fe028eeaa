import { once } from 'node:events'
import { createServer } from 'node:http2'
import { FrameClient } from '../../../test/support/h2/client.js'
import { quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'
import { attach, type CloseEvent } from '../src/index.js'

/** Over TLS the end of its output waits behind what it does not take; in clear the kernel has all of it, and the session lingers. */
test('a client that has read and then stops is gone soon after http2.stalled: the linger does not wait for it once more', async () => {
  const server = createServer((_req, res) => void res.end(Buffer.alloc(20_000_000)))
  const connections = attach(server, { drain: 'fast', logger: quiet, http2: { stalled: 500 }, linger: { quiet: 300 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const client = await FrameClient.open({ port: typeof address === 'object' && address !== null ? address.port : 0 })
  const closed = new Promise<CloseEvent>((resolve) => connections.once('close', resolve))
  client.ask('/')
  await client.until(() => client.connection.raw.bytesRead > 60_000, 'it has read')
  client.connection.raw.pause()
  const { reason, ms } = await within(closed, () => `the close event\n${client}`, 30_000)
  expect(reason).toBe('stalled')
  // A program that reads is waited for, for 17.5 s.
  expect(ms).toBeLessThan(15_000)
  client.connection.destroy()
  await connections.drain()
})

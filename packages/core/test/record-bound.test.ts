import { createServer } from 'node:https'
import { attach } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { pass } from '../../../test/support/wait.js'

/** The header of a TLS record of 16 KiB, and nothing of its content. */
const HEADER = Buffer.from([0x17, 0x03, 0x03, 0x40, 0x00])

test('a client that sends a TLS record byte by byte gets the time of a head for it, and no more', async () => {
  const server = createServer(credentials, (req, res) => void res.end(req.url))
  server.headersTimeout = 500
  const connections = attach(server, { logger: quiet, keepAlive: { timeout: 100, hold: 1_100 }, drain: 'fast' })
  const client = await Client.open({ port: await listening(server), tls: true })
  for (const path of ['/one', '/two', '/three']) expect((await client.ask(get(path))).text).toBe(path)
  client.raw.write(HEADER)
  for (let bytes = 0; bytes < 100 && connections.stats().connections.closed === 0 && !client.gone; bytes++) {
    client.raw.write('x')
    await pass(100)
  }
  expect(connections.stats().closes).toMatchObject({ idle: 1 })
  await connections.drain()
})

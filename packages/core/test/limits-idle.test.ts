import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { get, postHead } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { pass, until } from '../../../test/support/wait.js'

test('a connection whose body arrives behind its answer has been idle from then on: over limits.idle one that has waited longer goes', async () => {
  const server = createServer((_req, res) => void res.end())
  const connections = attach(server, { logger: quiet, keepAlive: { timeout: 60_000 }, limits: { idle: 2 }, drain: 'fast' })
  const port = await listening(server)
  const uploading = await Client.open({ port })
  await uploading.ask(`${postHead('/', 4)}bo`)
  const longest = await Client.open({ port })
  await longest.ask(get('/'))
  await uploading.send('dy')
  await until('the body', () => connections.stats().open.idle === 2)
  await pass(100) // the server has seen its end
  const third = await Client.open({ port })
  await third.ask(get('/'))
  expect(await longest.closed()).toBe('fin')
  expect((await uploading.ask(get('/'))).status).toBe(200)
  await connections.drain()
})

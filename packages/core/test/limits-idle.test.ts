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

test('a connection that is handed over to another protocol is idle no longer: it takes no place of limits.idle', async () => {
  const server = createServer((_req, res) => void res.end())
  server.on('upgrade', (_req, socket) => {
    socket.on('error', () => {})
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n')
  })
  const connections = attach(server, { logger: quiet, keepAlive: { timeout: 60_000 }, limits: { idle: 2 }, drain: 'fast' })
  const port = await listening(server)
  const longest = await Client.open({ port })
  await longest.ask(get('/'))
  const upgraded = await Client.open({ port })
  await upgraded.ask(get('/'))
  await upgraded.send(get('/', 'Connection: upgrade', 'Upgrade: echo'))
  await until('the upgrade', () => connections.stats().open.upgraded === 1)
  const third = await Client.open({ port })
  await third.ask(get('/'))
  await pass(200) // a connection over the limit would be closed within 50 ms
  expect(connections.stats().promisesBroken).toEqual({})
  expect((await longest.ask(get('/'))).status).toBe(200)
  upgraded.vanish()
  await connections.drain()
})

import { once } from 'node:events'
import { halfclose } from '@halfclose/express'
import express from 'express'
import { Client } from '../../../test/support/client.js'
import { portOf } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'

test('readiness probes during a drain are no requests that it has rescued', async () => {
  const app = express()
  const connections = halfclose(app, { readiness: '/ready', drain: { delay: 1_000, idle: 0 } })
  app.get('/', (_req, res) => void res.send('x'))
  const server = app.listen(0, '127.0.0.1')
  if (!server.listening) await once(server, 'listening')
  const port = portOf(server)
  const drained = connections.drain()
  const client = await Client.open({ port })
  expect((await client.ask('GET /ready HTTP/1.1\r\nHost: a\r\n\r\n')).status).toBe(503)
  const other = await Client.open({ port })
  expect((await other.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).status).toBe(200)
  const { requests } = await within(drained, () => 'the drain')
  expect(requests).toEqual({ finished: 0, rescued: 1, cut: 0 })
  client.destroy()
  other.destroy()
})

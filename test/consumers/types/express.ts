import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import byDefault, { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()
const connections = halfclose(app, {
  keepAlive: { timeout: 5_000 },
  signals: true,
  readiness: '/ready',
  onDrained: async (report) => console.log(report.clean),
})
app.get('/', (_req, res) => {
  res.send(connections.state)
})
app.listen(3000)
connections.attach(createServer(app))
connections.attach(createSecureServer({ key: '', cert: '' }, app))
byDefault(express(), { signals: undefined, readiness: undefined })
halfclose(express())
// @ts-expect-error a misspelt option
halfclose(express(), { keepalive: {} })

const report = await connections.drain({ reason: 'deploy' })
console.log(report.clean, connections.stats())

import { createServer } from 'node:http'
import { halfclose } from '@halfclose/express'
import express from 'express'
import client from 'prom-client'

const app = express()
halfclose(app, {
  signals: true,
  readiness: '/ready',
  metrics: { client },
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
})
app.get('/', (_request, response) => response.json({ hello: 'world' }))

createServer(async (_request, response) => {
  response.setHeader('Content-Type', client.register.contentType).end(await client.register.metrics())
}).listen(Number(process.env.METRICS_PORT ?? 9464))

const server = app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

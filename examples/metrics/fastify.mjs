import { createServer } from 'node:http'
import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'
import client from 'prom-client'

const app = Fastify({ logger: { level: process.env.LOG_LEVEL ?? 'info' } })
await app.register(halfclose, {
  signals: true,
  readiness: '/ready',
  connectionLog: true,
  metrics: { client },
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
})
app.get('/', async () => ({ hello: 'world' }))

// On a separate port: no load balancer shows it to clients, and it still answers while the application drains.
createServer(async (_request, response) => {
  response.setHeader('Content-Type', client.register.contentType).end(await client.register.metrics())
}).listen(Number(process.env.METRICS_PORT ?? 9464))

await app.listen({ host: process.env.HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log('listening on port', app.server.address().port)

import { createServer } from 'node:http'
import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'
import client from 'prom-client'

/** An application with metrics of its own. */
async function start(app, port) {
  const register = new client.Registry()
  register.setDefaultLabels({ app })
  const fastify = Fastify({ logger: { level: process.env.LOG_LEVEL ?? 'info' } })
  await fastify.register(halfclose, { signals: true, metrics: { client, registers: [register] } })
  fastify.get('/', async () => ({ hello: app }))
  await fastify.listen({ host: '127.0.0.1', port: Number(port) })
  console.log(app, 'listens on port', fastify.server.address().port)
  return register
}

const registers = [await start('site', process.env.PORT ?? 3000), await start('admin', process.env.ADMIN_PORT ?? 3001)]

createServer(async (_request, response) => {
  const both = client.AggregatorRegistry.aggregate(await Promise.all(registers.map((one) => one.getMetricsAsJSON())))
  response.setHeader('Content-Type', both.contentType).end(await both.metrics())
}).listen(Number(process.env.METRICS_PORT ?? 9464))

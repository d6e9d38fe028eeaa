import underPressure from '@fastify/under-pressure'
import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'

const app = Fastify({ logger: true })

// `delay`: how long your load balancer needs to see that /ready says 503. 5 s is enough for most.
await app.register(halfclose, { signals: true, readiness: '/ready', drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })
await app.register(underPressure, {
  maxHeapUsedBytes: Number(process.env.MAX_HEAP ?? 400_000_000),
  maxEventLoopDelay: 1_000,
  sampleInterval: 500,
  pressureHandler(request, reply, type) {
    if (type === underPressure.TYPE_HEAP_USED_BYTES) {
      // Idle connections hold memory. Requests finish soon, so they are served.
      request.log.warn({ letGo: app.halfclose.relieve(10) }, 'short of memory')
      return
    }
    // The event loop is late because of too many requests. Closing idle connections would not help.
    reply.code(503).header('Retry-After', '10').send('busy')
  },
})

app.get('/', async () => ({ hello: 'world' }))
app.post('/echo', async (request) => request.body)

await app.listen({ host: process.env.HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 3000) })

import underPressure from '@fastify/under-pressure'
import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'

const app = Fastify({ logger: true })

// `delay`: how long your load balancer needs to see that /ready says no. 5 s suits most.
await app.register(halfclose, { signals: true, readiness: '/ready', drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })
await app.register(underPressure, {
  maxHeapUsedBytes: Number(process.env.MAX_HEAP ?? 400_000_000),
  maxEventLoopDelay: 1_000,
  sampleInterval: 500,
  pressureHandler(request, reply, type) {
    if (type === underPressure.TYPE_HEAP_USED_BYTES) {
      // Idle connections hold memory, requests do their work and go: those are served.
      request.log.warn({ letGo: app.halfclose.relieve(10) }, 'short of memory')
      return
    }
    // A late event loop has too many requests, and an idle connection is none.
    reply.code(503).header('Retry-After', '10').send('busy')
  },
})

app.get('/', async () => ({ hello: 'world' }))
app.post('/echo', async (request) => request.body)

await app.listen({ host: process.env.HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 3000) })

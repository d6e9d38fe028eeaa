import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'

const app = Fastify({ logger: true })

// `delay`: how long your load balancer needs to see that /ready says 503. 5 s is enough for most.
await app.register(halfclose, { signals: true, readiness: '/ready', drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })

app.get('/', async () => ({ hello: 'world' }))
app.post('/echo', async (request) => request.body)

await app.listen({ host: process.env.HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 3000) })

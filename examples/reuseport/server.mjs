import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'

const app = Fastify({ logger: true })

// No `delay`: no load balancer asks this process whether it is ready. The kernel gives new connections to the other process as soon as this one stops listening.
await app.register(halfclose, { signals: true })

app.get('/', async () => ({ hello: 'world' }))

// Each process has a listening socket of its own at the same port (SO_REUSEPORT). Node 22.12 and later, not on macOS and Windows.
await app.listen({ host: process.env.HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 3000), reusePort: true })

import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'

const app = Fastify({ logger: true })

// `delay`: streams go on while your load balancer finds out that /ready says no; then `app.halfclose.signal` is aborted.
await app.register(halfclose, { signals: true, readiness: '/ready', drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })

app.get('/', async () => ({ hello: 'world' }))

app.get('/events', async (request, reply) => {
  reply.header('Content-Type', 'text/event-stream').header('Cache-Control', 'no-store')
  // The connection ends with the stream. Kept alive, it would hold the drain for what Keep-Alive promises.
  reply.header('Connection', 'close')
  // Where the client's last stream ended, here or in another process.
  const id = Number(request.headers['last-event-id'] ?? 0)
  return reply.send(Readable.from(events(id)))
})

async function* events(id) {
  const { signal } = app.halfclose
  try {
    while (!signal.aborted) {
      yield `event: tick\nid: ${++id}\ndata: ${left()}\n\n`
      await sleep(1_000, undefined, { signal }).catch(() => {})
    }
    // EventSource connects again after `retry` ms, with its last id. The time is random, so that not all clients connect at once.
    yield `event: leaving\nretry: ${Math.round(500 + 1_000 * Math.random())}\ndata: ${left()}\n\n`
  } finally {
    // This also runs when the client has gone, at the next event at the latest.
    app.log.info('stream closed')
  }
}

/** Infinity, which is null in JSON, while serving. */
function left() {
  return JSON.stringify({ left: Math.round(app.halfclose.remaining()) })
}

await app.listen({ host: process.env.HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 3000) })

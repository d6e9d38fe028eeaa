/** The service on Fastify 5: node service-fastify.mjs <settings as JSON>. Only the shutdown differs between the policies. */
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { keepJournal, logger, noteListener, noteRequest } from './journal.mjs'

/** @type {import('./backend.mjs').Service} */
const { policy, readiness, journal, http2, timeout, kill, drain, hold, listen } = JSON.parse(process.argv[2] ?? '')
keepJournal(journal)

const app = Fastify(http2 ? { http2 } : { keepAliveTimeout: timeout })

if (policy === 'halfclose') {
  const { halfclose } = await import('@halfclose/fastify')
  await app.register(halfclose, { signals: true, ...readiness, keepAlive: { timeout, hold }, drain, logger })
} else app.get('/ready', async () => ({ ready: true }))

app.get('/hello/:id', async (request) => {
  noteRequest(request.params.id, request.raw)
  return { id: request.params.id }
})

// Not idempotent: it takes its time, and a client that gets no answer cannot know whether it was run.
app.post('/orders/:id', async (request, reply) => {
  noteRequest(request.params.id, request.raw)
  await sleep(20)
  return reply.code(201).send({ id: request.params.id, item: request.body.item })
})

noteListener(app.server)
await app.listen(listen)
process.send?.('listening')

if (policy === 'bare') {
  process.once('SIGTERM', async () => {
    setTimeout(() => process.exit(1), kill).unref()
    await app.close()
    process.exit(0)
  })
}

/** The service on Fastify 5. The shutdown differs between the two columns, and nothing else does. */
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify from 'fastify'
import { download } from './download.mjs'
import { HTTP2_KILL_AFTER, KEEP_ALIVE, KILL_AFTER, UPLOAD_LIMIT } from './settings.mjs'

const http2 = process.argv[3] === 'h2'
const killAfter = http2 ? HTTP2_KILL_AFTER : KILL_AFTER
const app = Fastify({ ...(http2 ? { http2 } : { keepAliveTimeout: KEEP_ALIVE }), bodyLimit: UPLOAD_LIMIT })

if (process.argv[2] === 'halfclose') {
  const { halfclose } = await import('@halfclose/fastify')
  await app.register(halfclose, { signals: true, keepAlive: { timeout: KEEP_ALIVE }, drain: { deadline: killAfter } })
}

app.get('/hello/:id', async (request) => ({ id: request.params.id }))

// Not idempotent: it takes its time, and a client that gets no answer cannot know whether it was run.
app.post('/orders/:id', async (request, reply) => {
  await sleep(20)
  return reply.code(201).send({ id: request.params.id, item: request.body.item })
})

app.get('/download', async (_request, reply) => reply.type('application/octet-stream').send(download()))

// 401 is given from the head alone, before the body is read; so is the 413 that Fastify gives by itself, with `Connection: close`.
app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
app.post(
  '/upload/:id',
  {
    onRequest: async (request, reply) => {
      if (!request.headers.authorization) return reply.code(401).send({ id: request.params.id })
      // Fastify's own 413 has a Connection field, for which Node prints a warning over HTTP/2.
      if (http2 && Number(request.headers['content-length']) > UPLOAD_LIMIT)
        return reply.code(413).send({ id: request.params.id })
    },
  },
  async (_request, reply) => reply.code(204).send(),
)

await app.listen({ port: 0, host: '127.0.0.1' })

if (process.argv[2] === 'bare') {
  process.once('SIGTERM', async () => {
    setTimeout(() => process.exit(1), killAfter).unref()
    await app.close()
    process.exit(0)
  })
}

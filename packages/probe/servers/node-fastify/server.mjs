import { setTimeout as elapse } from 'node:timers/promises'
import fastify from 'fastify'

const app = fastify()
app.addContentTypeParser('*', (_request, payload, done) => payload.resume().on('end', () => done(null, undefined)))
app.all('/slow', async (request) => {
  await elapse(Number(request.query.ms))
  return 'slow\n'
})
app.all('/stream', (_request, reply) => {
  const timer = setInterval(() => reply.raw.write('tick\n'), 100)
  reply.raw.on('close', () => clearInterval(timer))
  reply.hijack()
})
app.all('/', async () => 'hello\n'.repeat(100))
process.once('SIGTERM', () => app.close())
await app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })

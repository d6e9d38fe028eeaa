import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'
import { database, port } from './application.mjs'

const app = Fastify({ logger: true })
await app.register(halfclose, { signals: true, drain: { deadline: 10_000 } })
app.addHook('onClose', async (instance) => {
  instance.log.info('starting to clean up')
  await database.end()
})

app.get('/', async () => ({ hello: 'world' }))
app.post('/', async (request) => request.body)

await app.listen({ port, host: '127.0.0.1' })

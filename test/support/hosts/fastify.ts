import { createReadStream, statSync } from 'node:fs'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { FastifyHttpOptions, FastifyInstance } from 'fastify'
import type { ServerSettings, Setup, Started } from '../host.js'
import { pass } from '../wait.js'

type FastifySettings = FastifyHttpOptions<Server>

function fastifyOptions({
  keepAliveTimeout,
  requestTimeout,
  connectionTimeout,
  tls: _,
  ...http
}: ServerSettings): FastifySettings {
  return {
    http,
    ...(keepAliveTimeout !== undefined && { keepAliveTimeout }),
    ...(requestTimeout !== undefined && { requestTimeout }),
    ...(connectionTimeout !== undefined && { connectionTimeout }),
  }
}

const file = join(__dirname, '../cert/cert.pem')

async function* breaksOff(): AsyncGenerator<Buffer> {
  yield Buffer.alloc(1_000, 'x')
  await pass(50) // where a reset comes together with data, libuv shows the client a clean end
  throw new Error('the source of the stream failed')
}

export const fastify =
  (name: 'fastify' | 'fastify-4' | 'fastify-6') =>
  async ({ mode, options, server = {}, handler }: Setup): Promise<Started> => {
    const module = (await import(name)) as { fastify: (options: FastifySettings) => FastifyInstance }
    const app = module.fastify(fastifyOptions(server))
    if (mode === 'halfclose') await app.register((await import('@halfclose/fastify')).halfclose, options ?? {})
    app.get('/native/json', (_request, reply) => reply.send({ hello: 'world' }))
    app.get('/native/throw', () => {
      throw new Error('thrown by the handler')
    })
    app.get('/native/failing-stream', (_request, reply) => reply.send(Readable.from(breaksOff())))
    app.get('/native/static/cert.pem', (_request, reply) =>
      reply.header('Content-Length', statSync(file).size).send(createReadStream(file)),
    )
    app.post('/native/upload', { bodyLimit: 1_000 }, (_request, reply) => reply.send('taken'))
    await app.register(async (raw) => {
      raw.removeAllContentTypeParsers()
      raw.addContentTypeParser('*', (_request, _payload, done) => done(null))
      raw.all('/*', (request, reply) => {
        if (request.url.startsWith('/native')) return reply.callNotFound()
        reply.hijack()
        handler(request.raw, reply.raw)
      })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { server: app.server, connections: mode === 'halfclose' ? app.halfclose : undefined, stop: () => app.close() }
  }

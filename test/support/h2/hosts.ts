import { once } from 'node:events'
import {
  createSecureServer,
  createServer,
  type Http2SecureServer,
  type Http2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
} from 'node:http2'
import type { FastifyHttp2Options, FastifyInstance } from 'fastify'
import type { Mode, StartedServer } from '../any-host.js'
import { credentials } from '../hosts/http.js'
import { type ExpressApp, overHttp2 } from './express.js'
import type { Handler, Options, ServerSettings } from './host.js'

export type AnyServer = Http2Server | Http2SecureServer

export interface Setup {
  mode: Mode
  options?: Options | undefined
  server?: ServerSettings | undefined
  handler: Handler
}

export type Started = StartedServer<AnyServer>

const closed = (server: AnyServer): Promise<void> => new Promise((resolve) => server.close(() => resolve())) // a case may have closed it

async function start(server: AnyServer, { mode, options, handler }: Setup): Promise<Started> {
  server.on('request', handler)
  const attach = mode === 'halfclose' ? (await import('@halfclose/core')).attach : undefined
  const connections = attach?.(server, options)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, connections, stop: () => connections?.drain() ?? closed(server) }
}

const secure = (more: SecureServerOptions, setup: Setup): Promise<Started> =>
  start(createSecureServer({ ...setup.server, ...credentials, ...more }), setup)

interface Module {
  fastify: (
    options: FastifyHttp2Options<Http2Server> & { https?: SecureServerOptions },
  ) => FastifyInstance<Http2Server, Http2ServerRequest, Http2ServerResponse>
}

const fastify =
  (name: 'fastify' | 'fastify-4' | 'fastify-6', tls = false) =>
  async ({ mode, options, handler }: Setup): Promise<Started> => {
    const module: Module = await import(name)
    const app = module.fastify(tls ? { http2: true, https: { ...credentials, allowHTTP1: true } } : { http2: true })
    if (mode === 'halfclose') await app.register((await import('@halfclose/fastify')).halfclose, options ?? {})
    app.get('/native/json', (_request, reply) => reply.send({ hello: 'world' }))
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.all('/*', (request, reply) => {
      reply.hijack()
      handler(request.raw, reply.raw)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { server: app.server, connections: mode === 'halfclose' ? app.halfclose : undefined, stop: () => app.close() }
  }

const express =
  (name: 'express' | 'express-4') =>
  async ({ mode, options, handler }: Setup): Promise<Started> => {
    const make = ((await import(name)) as { default: () => ExpressApp }).default
    const app = make()
    app.set('env', 'test') // else every thrown error is printed
    const connections = mode === 'halfclose' ? (await import('@halfclose/express')).halfclose(app, options) : undefined
    app.use(handler)
    const server = createSecureServer({ ...credentials, allowHTTP1: true }, overHttp2(app))
    connections?.attach(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return { server, connections, stop: () => connections?.drain() ?? closed(server) }
  }

export const h2HostNames = [
  'http2',
  'https2',
  'https2and1',
  'express4h2and1',
  'express5h2and1',
  'fastify4h2',
  'fastify5h2',
  'fastify5h2and1',
  'fastify6h2',
  'fastify6h2and1',
] as const
export type H2HostName = (typeof h2HostNames)[number]

/** Each with the same task: start, listen, and stop as a deploy would. */
export const h2Hosts: Record<H2HostName, (setup: Setup) => Promise<Started>> = {
  http2: (setup) => start(createServer({ ...setup.server }), setup),
  https2: (setup) => secure({}, setup),
  https2and1: (setup) => secure({ allowHTTP1: true }, setup),
  express4h2and1: express('express-4'),
  express5h2and1: express('express'),
  fastify4h2: fastify('fastify-4'),
  fastify5h2: fastify('fastify'),
  fastify5h2and1: fastify('fastify', true),
  fastify6h2: fastify('fastify-6'),
  fastify6h2and1: fastify('fastify-6', true),
}

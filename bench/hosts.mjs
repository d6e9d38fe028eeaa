// The same small application on each host.
import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import { halfclose as forExpress } from '@halfclose/express'
import { halfclose as forFastify } from '@halfclose/fastify'
import express from 'express'
import Fastify from 'fastify'
import { variants } from './variants.mjs'

const HELLO = { hello: 'world' }

/**
 * @param {string} host
 * @param {{ options?: object, measure?: (connections: import('@halfclose/core').Connections) => void, wrap?: (server: import('node:http').Server) => () => Promise<unknown> }} variant
 * @param {{ seen: () => void, hold: () => Promise<unknown> }} hooks `seen` is called for every request, `hold` decides how long a busy one waits
 * @returns {Promise<{ server: import('node:http').Server, connections?: import('@halfclose/core').Connections, stop: () => Promise<unknown> }>}
 */
export async function start(host, { options, measure, wrap }, hooks) {
  const { server, connections, close } = await builders[host](options, hooks)
  measure?.(connections)
  const stop = wrap?.(server)
  return { server, connections, stop: stop ?? close ?? (() => new Promise((resolve) => server.close(resolve))) }
}

/** The variant of that name, with other options where it is ours. */
export function variantOf(name, { keepAlive, ...options }) {
  const variant = variants[name]
  if (variant.options === undefined) return variant
  return { ...variant, options: { ...variant.options, ...options, keepAlive: { ...variant.options.keepAlive, ...keepAlive } } }
}

const builders = { http, express: withExpress, fastify: withFastify }

async function http(options, { seen, hold }) {
  const hello = (res) => {
    res.writeHead(200, { 'Content-Type': 'application/json' })
    res.end(JSON.stringify(HELLO))
  }
  const server = createServer((req, res) => {
    seen()
    if (req.url === '/') hello(res)
    else if (req.url === '/upload') refuse(res)
    else (req.url === '/wait' ? fiveMs() : hold()).then(() => hello(res))
  })
  const connections = options && attach(server, options)
  await new Promise((resolve) => server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, resolve))
  return { server, connections, close: connections && (() => connections.drain()) }
}

async function withExpress(options, { seen, hold }) {
  const app = express()
  const connections = options && forExpress(app, options)
  app.get('/', (_req, res) => {
    seen()
    res.json(HELLO)
  })
  app.get('/wait', async (_req, res) => {
    seen()
    await fiveMs()
    res.json(HELLO)
  })
  app.get('/hold', async (_req, res) => {
    seen()
    await hold()
    res.json(HELLO)
  })
  app.post('/upload', (_req, res) => refuse(res))
  const server = await new Promise((resolve) => {
    const listening = app.listen({ port: 0, host: '0.0.0.0', backlog: 4096 }, () => resolve(listening))
  })
  return { server, connections, close: connections && (() => connections.drain()) }
}

async function withFastify(options, { seen, hold }) {
  const app = Fastify()
  if (options) await app.register(forFastify, options)
  app.get('/', async () => {
    seen()
    return HELLO
  })
  app.get('/wait', async () => {
    seen()
    await fiveMs()
    return HELLO
  })
  app.get('/hold', async () => {
    seen()
    await hold()
    return HELLO
  })
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  app.post('/upload', (_request, reply) => {
    reply.hijack()
    refuse(reply.raw)
  })
  await app.listen({ port: 0, host: '0.0.0.0', backlog: 4096 })
  return { server: app.server, connections: options && app.halfclose, close: () => app.close() }
}

/** The early answer of an upload limit. */
function refuse(res) {
  res.writeHead(413, { Connection: 'close', 'Content-Length': '0' }).end()
}

function fiveMs() {
  return new Promise((resolve) => setTimeout(resolve, 5))
}

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { attach } from '@halfclose/core'
import { exposition } from '@halfclose/core/metrics'
import { renderDrain, view } from '@halfclose/core/view'
import halfcloseExpress, { halfclose as namedExpress } from '@halfclose/express'
import halfcloseFastify, { halfclose as namedFastify } from '@halfclose/fastify'
import express from 'express'
import Fastify from 'fastify'
import check from './check.cjs'

// One copy, however it is loaded.
const require = createRequire(import.meta.url)
assert.equal(require('@halfclose/core').attach, attach)
assert.equal(require('@halfclose/core/metrics').exposition, exposition)
assert.equal(require('@halfclose/core/view').view, view)
assert.match(renderDrain([]), /^<!doctype html>/)
assert.equal(require('@halfclose/express'), halfcloseExpress)
assert.equal(require('@halfclose/fastify'), halfcloseFastify)
assert.equal(halfcloseFastify, namedFastify)
assert.equal(halfcloseExpress, namedExpress)

const options = { keepAlive: { timeout: 7_000 }, drain: { deadline: 5_000 } }

async function core() {
  const server = createServer((req, res) => {
    if (req.url === '/drain') server.close()
    res.end('core')
  })
  const connections = attach(server, options)
  assert.match(exposition(connections), /\nhalfclose_connections_opened_total 0\n/)
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening))
  return { server, connections, body: 'core' }
}

async function fastify() {
  const app = Fastify()
  await app.register(halfcloseFastify, options)
  app.get('/', async () => 'fastify')
  app.get('/drain', async () => {
    app.close()
    return 'fastify'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { server: app.server, connections: app.halfclose, body: 'fastify' }
}

async function onExpress() {
  const app = express()
  const connections = halfcloseExpress(app, options)
  app.get('/', (_req, res) => res.send('express'))
  app.get('/drain', (_req, res) => {
    connections.drain({ reason: 'test' })
    res.send('express')
  })
  const server = await new Promise((resolve) => {
    const listening = app.listen(0, '127.0.0.1', () => resolve(listening))
  })
  return { server, connections, body: 'express' }
}

for (const start of [core, fastify, onExpress]) await check(start.name, await start())

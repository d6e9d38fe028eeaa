const assert = require('node:assert/strict')
const { createServer } = require('node:http')
const { attach } = require('@halfclose/core')
const { exposition } = require('@halfclose/core/metrics')
const { view } = require('@halfclose/core/view')
const { halfclose: halfcloseExpress, default: defaultExpress } = require('@halfclose/express')
const { halfclose: halfcloseFastify, default: defaultFastify } = require('@halfclose/fastify')
const express = require('express')
const Fastify = require('fastify')
const check = require('./check.cjs')

// As the README has it: what is required is the plugin itself.
assert.equal(require('@halfclose/express'), halfcloseExpress)
assert.equal(require('@halfclose/fastify'), halfcloseFastify)
assert.equal(halfcloseFastify, defaultFastify)
assert.equal(halfcloseExpress, defaultExpress)

const options = { keepAlive: { timeout: 7_000 }, drain: { deadline: 5_000 } }

async function core() {
  const server = createServer((req, res) => {
    if (req.url === '/drain') server.close()
    res.end('core')
  })
  const connections = attach(server, options)
  assert.match(exposition(connections), /\nhalfclose_connections_opened_total 0\n/)
  assert.equal(typeof view(connections), 'function')
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

async function main() {
  for (const start of [core, fastify, onExpress]) await check(start.name, await start())
}

main()

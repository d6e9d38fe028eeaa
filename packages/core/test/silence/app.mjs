/** A service without a logger, for silence.test.ts: `node app.mjs express '{ "drain": … }'`. Uses what was built. Ends when its input does. */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const [host, json] = process.argv.slice(2)
const options = JSON.parse(json)
const stream = (_req, res) => {
  res.writeHead(200, { 'Content-Type': 'text/event-stream' })
  res.write('data: 1\n\n')
}

const hosts = {
  async http() {
    const { attach } = await import('@halfclose/core')
    const server = require('node:http').createServer(stream)
    const connections = attach(server, options)
    // At once: what is written later is lost.
    process.once('SIGTERM', async () => process.exit((await connections.drain({ reason: 'SIGTERM' })).clean ? 0 : 1))
    return server.listen(0, '127.0.0.1')
  },
  async express() {
    const { halfclose } = await import('@halfclose/express')
    const app = require('express')()
    halfclose(app, { ...options, signals: true })
    app.get('/stream', stream)
    return app.listen(0, '127.0.0.1')
  },
  async fastify() {
    const { halfclose } = await import('@halfclose/fastify')
    const app = require('fastify')()
    await app.register(halfclose, { ...options, signals: true })
    app.get('/stream', (_request, reply) => {
      reply.hijack()
      stream(undefined, reply.raw)
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server
  },
}

const server = await hosts[host]()
server.on('upgrade', (_req, socket) =>
  socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'),
)
if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
console.log(`listening ${server.address().port}`)

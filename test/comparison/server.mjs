// One process of the comparison: a small application, stopped in the way that a package's own documentation shows first. `node server.mjs http-terminator 4000`
import { createServer } from 'node:http'
import { packages } from './packages.mjs'

const [name, deadline] = process.argv.slice(2)
let told = performance.now()

const signalled = new Promise((resolve) => {
  process.once('SIGTERM', () => {
    told = performance.now()
    console.log('told')
    resolve()
  })
})
process.once('exit', () => console.log(`ended ${Math.round(performance.now() - told)}`))

/** @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function application(request, response) {
  console.log('began', request.url)
  if (request.url === '/refuse') return void response.writeHead(413, { Connection: 'close' }).end('too much')
  if (request.url === '/endless') return void response.write('begun')
  // In flight at the signal, whatever the machine does meanwhile.
  if (request.url === '/slow') await signalled
  await new Promise((resolve) => setTimeout(resolve, 100))
  response.end('hello')
}

/** Express and Fastify close in their own ways; every package is for a server of node:http. */
const hosts = {
  async express() {
    const { default: express } = await import('express')
    return createServer(express().use(application))
  },
  async fastify() {
    const { default: Fastify } = await import('fastify')
    const app = Fastify()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))
    app.all('*', (request, reply) => {
      reply.hijack()
      void application(request.raw, reply.raw)
    })
    await app.ready()
    app.server.fastify = app
    return app.server
  },
  async http() {
    return createServer(application)
  },
}

const { host = 'http', stop } = packages[name]
const server = await hosts[host]()
// What is promised to clients, alike for all.
server.keepAliveTimeout = 5_000
await stop(server, { deadline: Number(deadline) })
if (server.fastify) await server.fastify.listen({ host: '127.0.0.1', port: 0 })
else await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
console.log('listening', server.address().port)

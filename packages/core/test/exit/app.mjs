/**
 * A service for exit.test.ts, under whatever starts it: `HALFCLOSE_APP='{ "host": "fastify", "options": {} }' node app.mjs`. Uses what
 * was built. It is told nothing but by signals, messages and requests, so that it runs below a terminal, npm, or `node --watch`.
 */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { host, port = 0, options, ready, exitAfter } = JSON.parse(process.env.HALFCLOSE_APP)

// At once, in order, and whole, even where the process ends next.
const say = (text) => require('node:fs').writeSync(1, `${text}\n`)
const logger = { info: (_fields, message) => say(message), warn: (_fields, message) => say(message) }

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    say(`got ${signal}`)
    // The timer of somebody who does not trust a drain to end.
    if (exitAfter !== undefined) setTimeout(() => process.exit(0), exitAfter)
  })
}

async function length(body) {
  say('arrived')
  let bytes = 0
  for await (const chunk of body) bytes += chunk.length
  return `${bytes} bytes`
}

const hosts = {
  async fastify() {
    const { halfclose } = await import('@halfclose/fastify')
    const app = require('fastify')()
    await app.register(halfclose, { ...options, logger, signals: true })
    app.addHook('onClose', async () => say('closed'))
    app.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    app.get('/', async () => 'x')
    app.post('/upload', (request) => length(request.body))
    app.halfclose.on('state', ({ state }) => say(`state ${state}`))
    await app.listen({ port, host: '127.0.0.1' })
    return app.server
  },

  async express() {
    const { halfclose } = await import('@halfclose/express')
    const app = require('express')()
    const connections = halfclose(app, { ...options, logger, signals: true, onDrained: () => say('closed') })
    app.get('/', (_request, response) => response.send('x'))
    app.post('/upload', async (request, response) => response.send(await length(request)))
    connections.on('state', ({ state }) => say(`state ${state}`))
    const server = app.listen(port, '127.0.0.1')
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
    return server
  },
}

const server = await hosts[host]()
say(`listening ${server.address().port} ${process.pid}`)
// PM2's `wait_ready`: when it is ready is the application's to say.
if (ready) process.send('ready')

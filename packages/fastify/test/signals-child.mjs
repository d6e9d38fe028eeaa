/**
 * A process with applications in it, for signals.test.ts: `node signals-child.mjs '[{ "host": "fastify", "options": {} }]'`. Uses what
 * was built. Says what happens on stdout; does what it is told by IPC.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const say = (...words) => console.log(...words)
const apps = []

const hosts = {
  async fastify(index, { host, options, closing, outer, wrapper }) {
    const { halfclose } = await import('@halfclose/fastify')
    const app = require(host)()
    const close = outer && outside(index, app, outer)
    await app.register(halfclose, { ...options, close })
    app.addHook('onClose', async () => {
      say(`closed ${index} ${app.halfclose.state}`)
      if (closing === 'fails') throw new Error('the pool would not close')
    })
    app.get('/', async () => 'x')
    app.get('/held', () => held(index))
    sayState(index, app.halfclose)
    if (wrapper !== undefined) {
      await app.ready()
      const pass = { routing: app.routing, emit: (req, res) => app.server.emit('request', req, res) }[wrapper]
      const server = createServer((req, res) => pass(req, res)).listen(0, '127.0.0.1')
      await once(server, 'listening')
      return { server, close: () => app.close() }
    }
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { server: app.server, close: () => app.close() }
  },

  async express(index, { host, options, closing, copy }) {
    const { halfclose } = copy === 'cjs' ? require('@halfclose/express') : await import('@halfclose/express')
    const app = require(host)()
    const connections = halfclose(app, {
      ...options,
      async onDrained(report) {
        say(`closed ${index} ${connections.state} ${report.reason}`)
        if (closing === 'fails') throw new Error('the pool would not close')
      },
    })
    sayState(index, connections)
    app.get('/', (_req, res) => res.send('x'))
    app.get('/held', async (_req, res) => res.send(await held(index)))
    const server = app.listen(0, '127.0.0.1')
    if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
    return { server, close: () => new Promise((resolve) => server.close(resolve)) }
  },
}

/** close() of an application that Fastify is a part of. */
function outside(index, app, outer) {
  const upgraded = new Set()
  app.server.on('upgrade', (_request, socket) => {
    upgraded.add(socket)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n')
  })
  const close = async () => {
    say(`outer ${index} closes, ${app.halfclose.state}`)
    for (const socket of upgraded) socket.end('bye')
    if (outer === 'fails') throw new Error('the pool would not close')
    if (outer !== 'forgets') await app.close()
    say(`outer ${index} closed`)
  }
  if (outer !== 'throws') return close
  return () => {
    throw new Error('the pool would not close')
  }
}

function sayState(index, connections) {
  connections.on('state', ({ state }) => say(`state ${index} ${state}`))
}

function held(index) {
  return new Promise((resolve) => {
    apps[index].answer = () => resolve('held')
    say(`arrived ${index}`)
  })
}

const commands = {
  answer: (index) => apps[index].answer(),
  exit: (code) => process.exit(code),
  exitCode: (code) => {
    process.exitCode = code
  },
  async close(index) {
    process.disconnect()
    await apps[index].close()
    say(`closed by itself ${index}`)
  },
  listeners() {
    const counts = process.eventNames().map((event) => `${String(event)}:${process.listenerCount(event)}`)
    say(`listeners ${counts.sort().join(' ')}`)
  },
}

process.on('message', ([command, argument] = []) => commands[command]?.(argument))

for (const [index, setup] of JSON.parse(process.argv[2]).entries()) {
  const host = setup.host.startsWith('fastify') ? hosts.fastify : hosts.express
  apps.push(await host(index, setup))
}
say(`listening ${apps.map(({ server }) => server.address().port).join(' ')}`)

/**
 * A process for indirect-app.test.ts, whose server calls the app, but not directly: `node indirect-app-child.mjs '{ "express": "express-4" }'`.
 * Uses what was built. Says what happens on stdout.
 */
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { halfclose } from '@halfclose/express'

const { express, options, metrics = false } = JSON.parse(process.env.STRANGER)
const app = createRequire(import.meta.url)(express)()
const connections = halfclose(app, { keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 }, ...options })
connections.on('state', ({ state }) => console.log('state', state))
app.get('/', (_req, res) => res.send('x'))
app.get('/held', (_req, res) => {
  console.log('arrived')
  connections.signal.addEventListener('abort', () => res.send('held'))
})

const listen = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const stranger = createServer((req, res) => (metrics ? res.end('metrics') : app(req, res)))
const own = createServer(app)
// In one breath: whose the first one is shows only later.
await Promise.all([listen(stranger), metrics && listen(own)])
console.log('listening', stranger.address().port, own.address()?.port)

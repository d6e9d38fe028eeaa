import websocket from '@fastify/websocket'
import { halfclose } from '@halfclose/fastify'
import Fastify from 'fastify'

const app = Fastify({ logger: true })
await app.register(halfclose, { signals: true, drain: { deadline: Number(process.env.DRAIN_DEADLINE ?? 20_000) } })
await app.register(websocket)

app.get('/socket', { websocket: true }, (socket) => {
  socket.on('message', (message) => socket.send(`echo ${message}`))
})

// 1001, Going Away, when the drain begins. The plugin's own closing, which says no code, comes after the requests have been answered.
app.halfclose.signal.addEventListener('abort', () => {
  for (const socket of app.websocketServer.clients) socket.close(1001, 'restarting')
})

app.post('/echo', async (request) => request.body)

await app.listen({ host: process.env.HOST ?? '127.0.0.1', port: Number(process.env.PORT ?? 3000) })

import { createServer } from 'node:http'
import { halfclose } from '@halfclose/express'
import express from 'express'
import { Server } from 'socket.io'

const app = express()
const connections = halfclose(app, { signals: true, drain: { deadline: Number(process.env.DRAIN_DEADLINE ?? 20_000) } })
app.post('/echo', express.json(), (request, response) => response.json(request.body))

const server = createServer(app)
// By hand: socket.io puts its own listener in the app's place, and the server would be recognised as the app's by its first request only.
connections.attach(server)

const io = new Server(server, {
  // Who comes once the drain has begun, over a connection that is still open, goes elsewhere.
  allowRequest: (_request, decide) => decide(null, !connections.signal.aborted),
})
io.on('connection', (socket) => {
  socket.on('ask', (question, answer) => answer(`echo ${question}`))
})

// Clients come back by themselves (not so after `io.disconnectSockets()`). It closes the server, too, which drains already.
connections.signal.addEventListener('abort', () => io.close())

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

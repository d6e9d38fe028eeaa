import { createServer } from 'node:http'
import { halfclose } from '@halfclose/express'
import express from 'express'
import { Server } from 'socket.io'

const app = express()
const connections = halfclose(app, { signals: true, drain: { deadline: Number(process.env.DRAIN_DEADLINE ?? 20_000) } })
app.post('/echo', express.json(), (request, response) => response.json(request.body))

const server = createServer(app)
// Needed here: socket.io puts its own listener in the app's place. Without this line halfclose would recognise the server only at its first request.
connections.attach(server)

const io = new Server(server, {
  // A client that asks after `drain.delay`, over a connection that is still open, is refused and goes to another process.
  allowRequest: (_request, decide) => decide(null, !connections.signal.aborted),
})
io.on('connection', (socket) => {
  socket.on('ask', (question, answer) => answer(`echo ${question}`))
})

// Clients connect again by themselves (not after `io.disconnectSockets()`). It also closes the server, which drains already.
connections.signal.addEventListener('abort', () => io.close())

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

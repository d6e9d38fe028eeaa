// Not to be copied: without connections.attach(server) halfclose knows the server by its first request, or by the signal, and says so.
import { createServer } from 'node:http'
import { halfclose } from '@halfclose/express'
import express from 'express'
import { Server } from 'socket.io'

const app = express()
const connections = halfclose(app, { signals: true })
app.post('/echo', express.json(), (request, response) => response.json(request.body))

const server = createServer(app)
const io = new Server(server)
io.on('connection', (socket) => socket.on('ask', (question, answer) => answer(`echo ${question}`)))
connections.signal.addEventListener('abort', () => io.close())

server.listen(0, '127.0.0.1', () => console.log('listening on port', server.address().port))

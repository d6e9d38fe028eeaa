import { createServer } from 'node:http'
import { attach, formatReport } from '@halfclose/core'
import { WebSocketServer } from 'ws'

const server = createServer((_request, response) => response.end('hello\n'))
const connections = attach(server, { drain: { deadline: Number(process.env.DRAIN_DEADLINE ?? 20_000) } })

const sockets = new WebSocketServer({ server })
sockets.on('connection', (socket) => {
  socket.on('error', console.error)
  socket.on('message', (message) => socket.send(`echo ${message}`))
})

// 1001, Going Away. Who does not answer it is cut at the deadline.
connections.signal.addEventListener('abort', () => {
  for (const socket of sockets.clients) socket.close(1001, 'restarting')
})

process.once('SIGTERM', async () => {
  const report = await connections.drain({ reason: 'SIGTERM' })
  console.log(formatReport(report))
  // `clean` speaks of requests. To count cut WebSockets as a failure, too: `report.clean && report.heldBy.length === 0`.
  process.exitCode = report.clean ? 0 : 1
})

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

// A server that stands still when its drain begins, and whose 'connection' listener throws for the first connection. Prints what its clients have seen, and the uncaught errors.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { attach } from '@halfclose/core'

const [clients, count] = process.argv.slice(2)
const uncaught = []
process.on('uncaughtException', (error) => uncaught.push(error.message))
const server = createServer((_req, res) => res.end('done'))
server.once('connection', () => {
  throw new Error('the listener failed')
})
const connections = attach(server, { drain: { deadline: 20_000 } })
await once(server.listen(0, '127.0.0.1'), 'listening')
const child = fork(clients, ['http', String(server.address().port), count])
const drain = connections.drain()
const until = performance.now() + 2_000
while (performance.now() < until);
await drain
child.send('end')
const [seen] = await once(child, 'message')
console.log(JSON.stringify({ seen, uncaught }))

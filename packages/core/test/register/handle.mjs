/** What an application that nobody attached can do with its handle; and a server that it attaches by hand, after its listen(). */
import { createServer } from 'node:http'
import { attach, connectionsOf } from '@halfclose/core'

const server = createServer((request, response) => {
  const connections = connectionsOf(request.socket.server)
  response.end(`${connections?.state} ${connections?.policy.drain.deadline}`)
})
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`))

const byHand = createServer((_request, response) => response.end('by hand')).listen(0, '127.0.0.1')
const own = attach(byHand, { drain: { deadline: 1_000 } })
console.log(`own ${connectionsOf(byHand) === own && connectionsOf(server) !== own} ${own.policy.drain.deadline}`)
byHand.once('listening', () => byHand.close())

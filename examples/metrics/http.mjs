import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import { contentTypes, exposition } from '@halfclose/core/metrics'

const server = createServer((_request, response) => response.end('hello'))
const connections = attach(server, { drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })

// It counts how connections end from the first call on.
exposition(connections)
createServer((_request, response) => {
  response.setHeader('Content-Type', contentTypes.openmetrics).end(exposition(connections))
}).listen(Number(process.env.METRICS_PORT ?? 9464))

process.once('SIGTERM', async () => {
  await connections.drain({ reason: 'SIGTERM' })
  process.exit()
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

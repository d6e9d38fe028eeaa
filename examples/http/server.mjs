import { createServer } from 'node:http'
import { attach } from '@halfclose/core'

const server = createServer((request, response) => {
  console.log(request.method, request.url)
  let body = ''
  request.setEncoding('utf8')
  request.on('data', (chunk) => {
    body += chunk
  })
  request.on('end', () => {
    response.setHeader('Content-Type', 'application/json')
    if (request.url === '/ready') response.writeHead(connections.ready ? 200 : 503).end()
    else response.end(request.url === '/echo' ? body : '{"hello":"world"}')
  })
})

// `delay`: how long your load balancer needs to see that /ready says 503. 5 s is enough for most.
const connections = attach(server, { drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })

// attach() installs no signal handlers: when to leave is yours to say.
process.once('SIGTERM', async () => {
  const report = await connections.drain({ reason: 'SIGTERM' })
  console.log('drained in', report.ms, 'ms')
  process.exitCode = report.clean ? 0 : 1
})

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

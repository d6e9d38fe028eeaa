import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import next from 'next'

const app = next({ dev: false, dir: import.meta.dirname })
await app.prepare()
const handle = app.getRequestHandler()

const server = createServer((request, response) => {
  if (request.url === '/ready') response.writeHead(connections.ready ? 200 : 503).end()
  else handle(request, response)
})

// `delay`: how long your load balancer needs to see that /ready says 503. 5 s is enough for most.
const connections = attach(server, { drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })

// Next installs no signal handlers for a custom server. app.close() waits for the work that routes gave to `after()`.
async function leave(reason) {
  const report = await connections.drain({ reason })
  await app.close()
  process.exit(report.clean ? 0 : 1)
}
process.on('SIGTERM', leave)
process.on('SIGINT', leave)

server.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

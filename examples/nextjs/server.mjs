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

// `delay`: how long your load balancer needs to see that /ready says no. 5 s suits most.
const connections = attach(server, { drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })

// A custom server gets no signal handlers from Next. app.close() waits for what was left to `after()`.
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

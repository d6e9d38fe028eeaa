import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
// What `vite build` writes with adapter-node is build/handler.js; here it is one of a few lines.
import { handler } from './testing/sveltekit-handler.mjs'

const server = createServer((request, response) => {
  console.log(request.method, request.url)
  handler(request, response, () => response.writeHead(404).end())
})
const connections = attach(server)

process.once('SIGTERM', async () => {
  const report = await connections.drain({ reason: 'SIGTERM' })
  process.exit(report.clean ? 0 : 1)
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('listening on port', server.address().port))

import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { attach } from '@halfclose/core'
import Koa from 'koa'

const app = new Koa()
app.use(async (context) => {
  console.log(context.method, context.path)
  context.body = context.method === 'POST' ? await json(context.req) : { hello: 'world' }
})

// Not `app.listen()`, which creates its own server.
const server = createServer(app.callback())
const connections = attach(server)

process.once('SIGTERM', async () => {
  const report = await connections.drain({ reason: 'SIGTERM' })
  process.exit(report.clean ? 0 : 1)
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('listening on port', server.address().port))

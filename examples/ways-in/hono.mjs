import { attach } from '@halfclose/core'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.get('/', (context) => context.json({ hello: 'world' }))
app.post('/echo', async (context) => {
  console.log('POST /echo')
  return context.json(await context.req.json())
})

// Not `serve(app)`, which makes its server and lets it listen by itself: `node --import @halfclose/core/register` is for that.
const server = createAdaptorServer(app)
const connections = attach(server)

process.once('SIGTERM', async () => {
  const report = await connections.drain({ reason: 'SIGTERM' })
  process.exit(report.clean ? 0 : 1)
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => console.log('listening on port', server.address().port))

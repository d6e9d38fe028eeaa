import { setTimeout as elapse } from 'node:timers/promises'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { stream } from 'hono/streaming'

const app = new Hono()
app.all('/slow', async (context) => {
  await elapse(Number(context.req.query('ms')))
  return context.text('slow\n')
})
app.all('/stream', (context) =>
  stream(context, async (out) => {
    while (!out.aborted) {
      await out.write('tick\n')
      await elapse(100)
    }
  }),
)
app.all('/', (context) => context.text('hello\n'.repeat(100)))
const server = serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: '127.0.0.1' })
process.once('SIGTERM', () => server.close())

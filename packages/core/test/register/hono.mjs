import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const app = new Hono()
app.post('/upload', async (context) => {
  console.log('arrived')
  return context.text(`${(await context.req.text()).length} bytes`)
})
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(`listening ${port}`))

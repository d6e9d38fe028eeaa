// node --import @halfclose/core/register h3.mjs: not a word of halfclose in here. srvx, and so h3 and Nitro, makes its server by itself.
import { H3, serve } from 'h3'

const app = new H3()
app.get('/', () => ({ hello: 'world' }))
app.post('/echo', async (event) => {
  console.log('POST /echo')
  return event.req.json()
})

const server = serve(app, {
  port: Number(process.env.PORT ?? 3000),
  hostname: '127.0.0.1',
  silent: true,
  // srvx listens to SIGTERM as well, and would close in its own way.
  gracefulShutdown: false,
})
await server.ready()
console.log('listening on port', new URL(server.url).port)

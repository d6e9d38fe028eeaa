import { serve } from 'srvx'

const server = serve({
  port: 0,
  hostname: '127.0.0.1',
  silent: true,
  async fetch(request) {
    console.log('arrived')
    return new Response(`${(await request.text()).length} bytes`)
  },
})
await server.ready()
console.log(`listening ${new URL(server.url).port}`)

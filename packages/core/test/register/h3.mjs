import { H3, serve } from 'h3'

const app = new H3()
app.post('/upload', async (event) => {
  console.log('arrived')
  return `${(await event.req.text()).length} bytes`
})
const server = serve(app, { port: 0, hostname: '127.0.0.1', silent: true })
await server.ready()
console.log(`listening ${new URL(server.url).port}`)

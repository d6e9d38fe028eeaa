// What most services do today, without halfclose: what the recipes' tests compare with.
import express from 'express'

const app = express()

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.get('/ready', (_request, response) => response.end())
app.get('/', (_request, response) => response.json({ hello: 'world' }))
app.post(['/echo', '/uploads'], express.json(), (request, response) => response.json(request.body))

const { LISTEN_PID, PORT = 3000, HOST = '127.0.0.1' } = process.env
const server = app.listen(LISTEN_PID === String(process.pid) ? { fd: 3 } : { port: Number(PORT), host: HOST }, (error) => {
  if (error) throw error
  console.log('listening on port', server.address().port)
})

server.keepAliveTimeout = Number(process.env.KEEP_ALIVE ?? 5_000)

process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  console.log('stopped listening')
})

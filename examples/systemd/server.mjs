import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()

// No `readiness` and no delay: the socket stays open, so no load balancer has to be told. The lines go to the journal.
halfclose(app, {
  signals: true,
  logger: { info: (_details, line) => console.log(line), warn: (_details, line) => console.warn(line) },
})

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.get('/', (_request, response) => response.json({ hello: 'world' }))
app.post('/echo', express.json(), (request, response) => response.json(request.body))

// systemd gives its socket to this process, as file descriptor 3. Without systemd: a port.
const { LISTEN_PID, PORT = 3000, HOST = '127.0.0.1' } = process.env
const where = LISTEN_PID === String(process.pid) ? { fd: 3 } : { port: Number(PORT), host: HOST }

// Up to 4096 connections may wait to be accepted, for example during a restart. Without this, Node would reduce systemd's queue to 511.
app.listen(where, 4096, (error) => {
  if (error) throw error
})

import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()

// `signals` covers all three of PM2's ways: the message `shutdown`, SIGINT, and the SIGTERM that stops PM2 itself.
// No `readiness`: PM2 asks no route before a reload, and the new process serves already.
halfclose(app, {
  signals: true,
  keepAlive: { timeout: Number(process.env.KEEP_ALIVE ?? 5_000) },
  drain: { deadline: 20_000 },
  logger: console,
})

app.get('/', (_request, response) => response.json({ pid: process.pid }))
app.post('/echo', express.json(), (request, response) => response.json(request.body))

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', (error) => {
  if (error) throw error
  console.log('listening on port', server.address().port)
  process.send?.('ready')
})

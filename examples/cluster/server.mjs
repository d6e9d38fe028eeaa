// A worker: a service like any other. It would run alone just as well.
import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()

// `signals`: on SIGTERM of the primary it drains, and exits with 0 where nothing was cut.
halfclose(app, {
  signals: true,
  keepAlive: { timeout: Number(process.env.KEEP_ALIVE ?? 5_000) },
  drain: { deadline: 20_000 },
})

app.get('/', (_request, response) => response.json({ pid: process.pid }))
app.post('/echo', express.json(), (request, response) => response.json(request.body))

const server = app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error
  console.log('listening on port', server.address().port)
})

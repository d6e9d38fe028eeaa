import { halfclose } from '@halfclose/express'
import * as Sentry from '@sentry/node'
import express from 'express'

Sentry.init({ dsn: process.env.SENTRY_DSN, tracesSampleRate: 0 })

let answered = 0

const app = express()
halfclose(app, {
  signals: true,
  readiness: '/ready',
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  // Sends what is queued, within 2 s; the process waits for it.
  onDrained: () => Sentry.close(2_000),
})
app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.get('/', (_request, response) => response.json({ hello: 'world' }))
app.post('/echo', express.json(), (request, response) => {
  Sentry.captureMessage(`answered ${++answered}`)
  response.json(request.body)
})

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

import { isMainThread, Worker } from 'node:worker_threads'
import { halfclose } from '@halfclose/express'
import express from 'express'

// The server stands in a thread. Signals reach the main thread only: `signals: true` has them passed on, and the process waits for the thread.
if (isMainThread) new Worker(new URL(import.meta.url))
else serve()

function serve() {
  const app = express()
  halfclose(app, { signals: true, readiness: '/ready', drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })
  app.use((request, _response, next) => {
    console.log(request.method, request.url)
    next()
  })
  app.get('/', (_request, response) => response.json({ hello: 'world' }))
  app.post('/echo', express.json(), (request, response) => response.json(request.body))

  const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
    console.log('listening on port', server.address().port)
  })
}

/** The service on Express 5: node service-express.mjs <settings as JSON>. Only the shutdown differs between the policies. */
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { keepJournal, logger, noteListener, noteRequest } from './journal.mjs'

/** @type {import('./backend.mjs').Service} */
const { policy, readiness, journal, timeout, kill, drain, hold, listen } = JSON.parse(process.argv[2] ?? '')
keepJournal(journal)

const app = express()

if (policy === 'halfclose') {
  const { halfclose } = await import('@halfclose/express')
  halfclose(app, { signals: true, ...readiness, keepAlive: { timeout, hold }, drain, logger })
}

app.get('/ready', (_request, response) => {
  response.json({ ready: true })
})

app.get('/hello/:id', (request, response) => {
  noteRequest(request.params.id, request)
  response.json({ id: request.params.id })
})

// Not idempotent: it takes its time, and a client that gets no answer cannot know whether it was run.
app.post('/orders/:id', express.json(), async (request, response) => {
  noteRequest(request.params.id, request)
  await sleep(20)
  response.status(201).json({ id: request.params.id, item: request.body.item })
})

const server = app.listen(listen, (error) => {
  if (error) throw error
  process.send?.('listening')
})

noteListener(server)

if (policy === 'bare') {
  server.keepAliveTimeout = timeout
  process.once('SIGTERM', () => {
    server.close(() => process.exit(0))
    setTimeout(() => process.exit(1), kill).unref()
  })
}

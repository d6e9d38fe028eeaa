/** The service on Express 5. The shutdown differs between the two columns, and nothing else does. */
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import { download } from './download.mjs'
import { KEEP_ALIVE, KILL_AFTER, UPLOAD_LIMIT } from './settings.mjs'

const app = express()

if (process.argv[2] === 'halfclose') {
  const { halfclose } = await import('@halfclose/express')
  halfclose(app, { signals: true, keepAlive: { timeout: KEEP_ALIVE }, drain: { deadline: KILL_AFTER } })
}

app.get('/hello/:id', (request, response) => {
  response.json({ id: request.params.id })
})

// Not idempotent: it takes its time, and a client that gets no answer cannot know whether it was run.
app.post('/orders/:id', express.json(), async (request, response) => {
  await sleep(20)
  response.status(201).json({ id: request.params.id, item: request.body.item })
})

app.get('/download', (_request, response) => {
  download().pipe(response.type('bin'))
})

// Both answers are given from the head alone, before the body is read.
app.post('/upload/:id', (request, response) => {
  if (!request.headers.authorization) return response.status(401).json({ id: request.params.id })
  // With `Connection: close`, as Fastify does it: nobody wants to read the rest of what is too large.
  if (Number(request.headers['content-length']) > UPLOAD_LIMIT)
    return response.status(413).set('Connection', 'close').json({ id: request.params.id })
  request.resume().once('end', () => response.status(204).end())
})

const server = app.listen(0, '127.0.0.1', (error) => {
  if (error) throw error
})

if (process.argv[2] === 'bare') {
  server.keepAliveTimeout = KEEP_ALIVE
  process.once('SIGTERM', () => {
    server.close(() => process.exit(0))
    setTimeout(() => process.exit(1), KILL_AFTER).unref()
  })
}

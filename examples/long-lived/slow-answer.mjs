import { setTimeout as sleep } from 'node:timers/promises'
import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()
const connections = halfclose(app, {
  signals: true,
  readiness: '/ready',
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000), deadline: Number(process.env.DRAIN_DEADLINE ?? 20_000) },
})

// How long have I got? Half an answer, and saying so, is better than one that is cut.
app.get('/search', async (_request, response) => {
  console.log('searching')
  const found = []
  while (found.length < 200 && connections.remaining() > 1_000) {
    await sleep(200)
    found.push(`result ${found.length + 1}`)
  }
  response.json({ found, complete: found.length === 200 })
})

// Are we leaving? Then what takes minutes is better begun elsewhere.
app.post('/exports', (_request, response) => {
  if (connections.ready) response.sendStatus(202)
  else response.set('Retry-After', '1').sendStatus(503)
})

const server = app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error
  console.log('listening on port', server.address().port)
})

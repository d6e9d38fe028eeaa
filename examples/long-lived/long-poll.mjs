import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()
const connections = halfclose(app, {
  signals: true,
  readiness: '/ready',
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
})

/** The polls that wait. Each of these functions is called once, with the messages. */
const waiting = new Set()
const answerAll = (messages) => {
  for (const answer of waiting) answer(messages)
}

// "Nothing new": the client asks again. The answer says close, so it uses a new connection, to another process.
connections.signal.addEventListener('abort', () => answerAll([]))

app.get('/messages', (_request, response) => {
  const forget = () => {
    clearTimeout(timer)
    waiting.delete(answer)
  }
  const answer = (messages) => {
    forget()
    response.json(messages)
  }
  // Not longer than the time that is left. `remaining()` is Infinity while serving.
  const timer = setTimeout(answer, Math.min(25_000, connections.remaining()), [])
  waiting.add(answer)
  response.on('close', () => {
    forget()
    console.log('polls waiting:', waiting.size)
  })
  console.log('polls waiting:', waiting.size)
  // The signal fires once. For a request that arrives later it has already fired.
  if (connections.signal.aborted) answer([])
})

app.post('/messages', express.json(), (request, response) => {
  answerAll([request.body])
  response.sendStatus(202)
})

const server = app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error
  console.log('listening on port', server.address().port)
})

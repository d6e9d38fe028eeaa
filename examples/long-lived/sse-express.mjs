import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()

// `delay`: streams go on while your load balancer finds out that /ready says no; then `connections.signal` is aborted.
const connections = halfclose(app, {
  signals: true,
  readiness: '/ready',
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
})

app.get('/', (_request, response) => response.json({ hello: 'world' }))

app.get('/events', (request, response) => {
  // `close`: the connection ends with the stream. Otherwise it would be kept alive after the stream, and hold the drain for the time that Keep-Alive promises.
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', Connection: 'close' })

  // Where the client's last stream ended, here or in another process.
  let id = Number(request.get('Last-Event-ID') ?? 0)
  // Infinity, which is null in JSON, while serving.
  const left = () => `data: ${JSON.stringify({ left: Math.round(connections.remaining()) })}`

  const tick = () => {
    // A client that does not read misses events, rather than filling our memory.
    if (!response.writableNeedDrain) response.write(`event: tick\nid: ${++id}\n${left()}\n\n`)
  }
  const leave = () => {
    clearInterval(timer)
    // EventSource connects again after `retry` ms, with its last id. The time is random, so that not all clients connect at once.
    response.end(`event: leaving\nretry: ${Math.round(500 + 1_000 * Math.random())}\n${left()}\n\n`)
  }

  const timer = setInterval(tick, 1_000)
  connections.signal.addEventListener('abort', leave)
  response.on('close', () => {
    clearInterval(timer)
    connections.signal.removeEventListener('abort', leave)
    console.log('stream closed')
  })
  // The signal fires once. For a request that arrives later it has already fired.
  if (connections.signal.aborted) leave()
  else tick()
})

const server = app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error
  console.log('listening on port', server.address().port)
})

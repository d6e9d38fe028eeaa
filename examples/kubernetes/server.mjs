import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()

const connections = halfclose(app, {
  signals: true,
  readiness: '/ready',
  drain: {
    // Both come from deployment.yaml, so that figures that depend on each other are in one file.
    delay: Number(process.env.DRAIN_DELAY ?? 5_000),
    deadline: Number(process.env.DRAIN_DEADLINE ?? 20_000),
  },
  // Close your database here. It has 5 s before the kubelet kills the process.
  onDrained: (report) => console.log('drained in', report.ms, 'ms,', report.requests),
})

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.get('/', (_request, response) => response.json({ hello: 'world' }))
app.post('/echo', express.json(), (request, response) => response.json(request.body))

const server = app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '0.0.0.0', (error) => {
  if (error) throw error
  console.log('policy', JSON.stringify(connections.policy))
  console.log('listening on port', server.address().port)
})

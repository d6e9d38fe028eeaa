import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()

const connections = halfclose(app, {
  behind: 'aws-alb', // an idle connection is kept for 65 s: the ALB closes it first, after 60 s
  signals: true,
  readiness: '/ready',
  drain: {
    // Both come from task-definition.json, so that figures that depend on each other are in one file.
    delay: Number(process.env.DRAIN_DELAY ?? 12_000),
    deadline: Number(process.env.DRAIN_DEADLINE ?? 27_000),
  },
  // Close your database here. At least 5 s are left for it.
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

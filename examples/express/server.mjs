import { halfclose } from '@halfclose/express'
import express from 'express'

const app = express()

// `delay`: how long your load balancer needs to see that /ready says 503. 5 s is enough for most.
halfclose(app, { signals: true, readiness: '/ready', drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.get('/', (_request, response) => response.json({ hello: 'world' }))
app.post('/echo', express.json(), (request, response) => response.json(request.body))

const server = app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1', (error) => {
  if (error) throw error
  console.log('listening on port', server.address().port)
})

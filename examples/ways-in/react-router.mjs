import { halfclose } from '@halfclose/express'
import { createRequestHandler } from '@react-router/express'
import express from 'express'
// What `react-router build` writes is build/server/index.js; here it is one of a few lines.
import * as build from './testing/react-router-build.mjs'

const app = express()
halfclose(app, { signals: true, readiness: '/ready', drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) } })

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})
app.use(createRequestHandler({ build, mode: 'production' }))

const server = app.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log('listening on port', server.address().port)
})

import { halfclose } from '@halfclose/express'
import express from 'express'
import { application, database, listening, port } from './application.mjs'

const app = express()
halfclose(app, {
  signals: true,
  readiness: { path: '/healthcheck', check: () => database.isUp },
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  onDrained: () => database.end(),
})
app.use(application)

const server = app.listen(port, '127.0.0.1', () => listening(server)())

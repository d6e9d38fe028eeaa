import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import { application, database, listening, port } from './application.mjs'

const server = createServer(application)
const connections = attach(server, { drain: { deadline: 5_000 } })

process.once('SIGTERM', async () => {
  const report = await connections.drain({ reason: 'SIGTERM' })
  await database.end()
  process.exit(report.clean ? 0 : 1)
})

server.listen(port, '127.0.0.1', listening(server))

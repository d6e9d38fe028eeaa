import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import { application, database, listening, port } from './application.mjs'

const server = createServer(application)
attach(server, { drain: { deadline: 10_000 } })

process.once('SIGTERM', () => {
  server.close(async () => {
    await database.end()
    process.exit()
  })
})

server.listen(port, '127.0.0.1', listening(server))

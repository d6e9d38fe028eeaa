/**
 * A process in which something else closes the server, too, for others.test.ts: `node others.mjs package http|https`. Uses what was built. Its request is answered after
 * two seconds, if it is let.
 */

import { readFileSync } from 'node:fs'
import http from 'node:http'
import https from 'node:https'
import terminus from '@godaddy/terminus'
import { halfclose } from '@halfclose/express'
import express from 'express'
import gracefulShutdown from 'http-graceful-shutdown'
import { createHttpTerminator } from 'http-terminator'
import stoppable from 'stoppable'

const [, , name, protocol] = process.argv
const app = express()
const say = (...words) => console.log(...words)
const read = (file) => readFileSync(new URL(`../../../../test/support/cert/${file}`, import.meta.url))
const server =
  protocol === 'https' ? https.createServer({ key: read('key.pem'), cert: read('cert.pem') }, app) : http.createServer(app)

app.get('/held', (_req, res) => {
  say('arrived')
  setTimeout(() => res.send('held'), 2_000)
})

const others = {
  'http-terminator'() {
    const terminator = createHttpTerminator({ server, gracefulTerminationTimeout: 100 })
    process.on('SIGTERM', () => terminator.terminate())
  },
  '@godaddy/terminus'() {
    terminus.createTerminus(server, { signal: 'SIGTERM', timeout: 100 })
  },
  stoppable() {
    stoppable(server, 100)
    process.on('SIGTERM', () => server.stop())
  },
  'http-graceful-shutdown'() {
    gracefulShutdown(server, { timeout: 100, forceExit: false })
  },
  'http-graceful-shutdown, which exits'() {
    gracefulShutdown(server, { timeout: 100 })
  },
  'closeAllConnections()'() {
    process.on('SIGTERM', () => {
      server.close()
      server.closeAllConnections()
    })
  },
}

others[name]()
halfclose(app, { signals: true, onDrained: ({ clean, requests }) => say(`report clean ${clean} cut ${requests.cut}`) })
process.on('warning', ({ code, message }) => say(`warning ${code} ${message}`))
server.listen(0, '127.0.0.1', () => say(`listening ${server.address().port}`))

/** A service for exiting.test.ts that ends amid an answer: `node app.mjs http`. Uses what was built. */
import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { attach } from '@halfclose/core'

const cert = (file) => readFileSync(new URL(`../../../../test/support/cert/${file}`, import.meta.url))
const [host] = process.argv.slice(2)
const exit = () => process.exit(0)

const ends = {
  /** Anywhere in the application. */
  '/exit': () => setTimeout(exit, 100),
  '/throw': () => {
    setTimeout(() => {
      throw new Error('thrown by the application')
    }, 100)
  },
  '/destroy': (res) => {
    setTimeout(() => {
      res.destroy()
      setImmediate(exit)
    }, 100)
  },
  '/drain': () => void connections.drain().then(exit),
  '/close': () => {
    setTimeout(() => {
      server.closeAllConnections()
      exit()
    }, 100)
  },
  '/whole': (res) => void res.end('whole', () => setTimeout(exit, 100)),
}

const listener = (req, res) => {
  res.write('half')
  ends[req.url](res)
}
const server =
  host === 'https' ? https.createServer({ key: cert('key.pem'), cert: cert('cert.pem') }, listener) : http.createServer(listener)
const quiet = { info: () => {}, warn: () => {} }
const connections = attach(server, { drain: { delay: 0, deadline: 200, silent: 0 }, linger: { quiet: 100 }, logger: quiet })
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`))

/** A cluster whose primary listens to no signal, for primary-gone.test.ts: it dies of SIGTERM. Uses what was built. */
import cluster from 'node:cluster'
import http from 'node:http'
import { createRequire } from 'node:module'

if (cluster.isPrimary) cluster.fork()
else {
  const { halfclose } = await import('@halfclose/express')
  const app = createRequire(import.meta.url)('express')()
  halfclose(app, { signals: true }).on('state', ({ state }) => console.log(`state ${state}`))
  app.get('/held', () => console.log('arrived'))
  const server = http.createServer(app)
  server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port} ${process.pid}`))
}

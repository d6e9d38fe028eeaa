/** An application in a worker thread, for bundled.test.ts, which makes one file of this and of all that it requires. */
const { isMainThread, parentPort, Worker } = require('node:worker_threads')
const { halfclose } = require('@halfclose/express')
const express = require('express')
const passesSignalsTo = require('./passes-signals-to.cjs')

if (isMainThread) {
  passesSignalsTo(new Worker(__filename))
} else {
  const app = express()
  halfclose(app, { signals: true, keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } })
  app.get('/held', (_req, res) => {
    console.log('arrived')
    setTimeout(() => res.send('held'), 500)
  })
  const server = app.listen(0, '127.0.0.1')
  parentPort.once('message', () => console.log(`listening ${server.address().port}`))
}

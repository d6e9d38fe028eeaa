// HTTP/2 clients in a thread of their own: `delay` ms after `ready`, each connects and requests a path of its own.
import { connect } from 'node:http2'
import { setTimeout as pass } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

const { port, tls, count, delay, patience } = workerData
const ends = (one) => new Promise((resolve) => one.once('close', resolve))

async function ask(index) {
  const session = connect(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false })
  const found = { path: `/late/${index}`, text: '', last: undefined, error: undefined }
  session.on('error', ({ code }) => {
    found.error ??= code
  })
  session.on('goaway', (code, last) => {
    if (code === 0) found.last = last
  })
  const stream = session.request({ ':path': found.path })
  stream.on('error', ({ code }) => {
    found.error ??= code
  })
  stream.setEncoding('latin1')
  stream.on('data', (chunk) => {
    found.text += chunk
  })
  const over = ends(session)
  await Promise.race([ends(stream), over, pass(patience)])
  if (!session.closed) session.close()
  await Promise.race([over, pass(patience)])
  session.destroy()
  return found
}

parentPort.postMessage('ready')
await pass(delay)
parentPort.postMessage(await Promise.all(Array.from({ length: count }, (_, index) => ask(index))))

import { once } from 'node:events'
import { connect } from 'node:net'

const BODY = '{"hello":"world"}'
const requestOf = (close) => `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n${close ? 'Connection: close\r\n' : ''}\r\n`

/**
 * Sends the next request when it has the answer to the one before, so that the server sees the same chunks in every run. `close`: each on a
 * connection of its own, the next one opened when the last one has closed.
 */
export async function send(port, count, { close = false } = {}) {
  if (!close) return keepAlive(port, count)
  for (let left = count; left > 0; left--) await keepAlive(port, 1, true)
}

async function keepAlive(port, count, close = false) {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true }).setEncoding('latin1')
  const closed = once(socket, 'close')
  let left = count
  let text = ''
  socket.on('data', (piece) => {
    text += piece
    if (!text.endsWith(BODY) && !text.endsWith('\r\n0\r\n\r\n')) return
    text = ''
    if (--left > 0) socket.write(requestOf(close))
    else if (!close) socket.destroy()
  })
  socket.write(requestOf(close))
  await closed
  if (left > 0) throw new Error(`the server closed the connection with ${left} requests to go`)
}

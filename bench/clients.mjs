// Holds the client ends of many connections, in a process of its own: the limit of open files is one process's.
import { once } from 'node:events'
import { connect } from 'node:net'
import { answerBy } from './answers.mjs'

const AT_ONCE = 100
const ADDRESSES = 4

const sockets = new Set()
let answered = 0
let sent = 0

const commands = {
  /** Opens so many connections; `path`: and sends a request on each. Resolves when all of them are open (and answered, unless it is `/hold`). */
  async open({ port, count, path, halfOpen = false }) {
    let left = count
    const work = async () => {
      while (left-- > 0) {
        const socket = await open(port, left, { allowHalfOpen: halfOpen })
        if (path === '/hold') ask(socket, path)
        else if (path !== undefined) await ask(socket, path)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return sockets.size
  },
  /** One more request on every connection. */
  async askAll({ path }) {
    const waiting = [...sockets]
    const work = async () => {
      for (let socket = waiting.pop(); socket; socket = waiting.pop()) await ask(socket, path)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    return answered
  },
  /** Uploads on every connection, as fast as the server takes it, whatever the answer is. */
  upload() {
    for (const socket of sockets) {
      socket.once('data', () => answered++)
      socket.write(
        'POST /upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-bench\r\nContent-Length: 1000000000000\r\n\r\n',
      )
      const more = () => {
        if (!socket.writable) return
        sent += PIECE.length
        socket.write(PIECE, more)
      }
      more()
    }
  },
  seen: () => ({ open: sockets.size, answered, sent }),
  /** Resolves when the server has closed all of them. */
  async allClosed() {
    await Promise.all([...sockets].map((socket) => once(socket, 'close')))
  },
  /** Goes away; by a reset, unless told otherwise, which leaves no port in TIME_WAIT behind. */
  leave({ reset = true }) {
    for (const socket of sockets) reset ? socket.resetAndDestroy() : socket.destroy()
    answered = 0
    sent = 0
  },
}

const PIECE = Buffer.alloc(64 * 1024, 'a')

/**
 * To several loopback addresses: towards one of them there are some 28,000 ports. (Not from several: the kernel looks for a free port in
 * another way then, which takes seconds where many are in use.)
 */
async function open(port, index, options) {
  const host = process.platform === 'linux' ? `127.0.0.${1 + (index % ADDRESSES)}` : '127.0.0.1'
  const socket = connect({ port, host, noDelay: true, ...options })
  await once(socket, 'connect')
  sockets.add(socket)
  socket.on('error', () => {})
  socket.on('close', () => sockets.delete(socket))
  return socket
}

function ask(socket, path) {
  socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  return new Promise((resolve) => {
    const done = () => {
      socket.off('data', onData)
      socket.off('close', done)
      resolve()
    }
    const onData = () => {
      answered++
      done()
    }
    socket.on('data', onData)
    socket.on('close', done)
  })
}

answerBy(commands)
process.send({ up: true })

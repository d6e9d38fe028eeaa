// What is played against each package: what a client sees, byte by byte, and how the process ends.
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A client that sees the bytes, and ends its own half when the server has ended the other. */
class Client {
  received = ''
  #ended = false
  #socket

  static async connect(port) {
    const client = new Client()
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('latin1')
    client.#socket = socket
    socket.on('data', (text) => {
      client.received += text
    })
    socket.on('end', () => {
      client.#ended = true
      socket.end()
    })
    socket.on('close', () => {
      client.#ended = true
    })
    // A reset: what had arrived by then is what the case looks at.
    socket.on('error', () => {})
    await once(socket, 'connect')
    return client
  }

  /** Resolves once the bytes are in the kernel's hands, or the connection is gone. */
  send(bytes) {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()))
  }

  async ask(request) {
    this.received = ''
    await this.send(request)
    return this.answer()
  }

  /** Resolves with what was received, once `body` is there or the connection has ended. */
  async answer(body = 'hello') {
    while (!this.#ended && !this.received.includes(body)) await sleep(10)
    return this.received
  }

  pause() {
    this.#socket.pause()
  }

  resume() {
    this.#socket.resume()
  }

  fin() {
    this.#socket.end()
  }
}

const get = (path, fields = '') => `GET ${path} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`
const isAnswered = (text) => /^HTTP\/1\.1 200 /.test(text) && text.includes('hello')

/** Each is played with a process of its own, which may take `deadline` ms to stop. `play` tells of each title, in order, whether it went well. */
export const scenes = [
  {
    titles: [
      'a client that writes 20 MB before it reads gets its early 413',
      'a client that sends its request, then FIN, is answered',
      'a request that is in flight at SIGTERM is answered',
      '… and its answer says `Connection: close`',
      'a request is answered that a client sends 0.3 s after SIGTERM, on a connection that it was promised for 5 s',
    ],
    deadline: 4_000,
    async play(process) {
      const refused = await refusedUpload(process)
      const halfClosed = await requestThenFin(process)
      const promised = await Client.connect(process.port)
      await promised.ask(get('/first'))
      const waiting = await Client.connect(process.port)
      await waiting.send(get('/slow'))
      await process.said('began /slow')
      await process.tell()
      const [inFlight, kept] = await Promise.all([waiting.answer(), sleep(300).then(() => promised.ask(get('/second')))])
      return [
        /^HTTP\/1\.1 413 /.test(refused),
        isAnswered(halfClosed),
        isAnswered(inFlight),
        /\r\nconnection: close\r\n/i.test(inFlight),
        isAnswered(kept),
      ]
    },
  },
  {
    titles: ['a connection that never sent a byte does not hold the shutdown to its deadline'],
    deadline: 4_000,
    // From there on Node's own close() closes such connections, and so do packages that leave it to that.
    mendedIn: 26,
    async play(process) {
      await Client.connect(process.port)
      // The server has accepted the connection once it answers a later one.
      const later = await Client.connect(process.port)
      await later.ask(get('/', 'Connection: close\r\n'))
      await process.tell()
      const { ms } = await process.ended()
      return [ms < 3_000]
    },
  },
  {
    titles: ['a response that is cut at the deadline is named in the log, and the exit code is not 0'],
    deadline: 1_000,
    async play(process) {
      const client = await Client.connect(process.port)
      await client.send(get('/endless'))
      await client.answer('begun')
      await process.tell()
      const { code, lines } = await process.ended()
      return [code !== 0 && lines.some((line) => line.includes('/endless') && !line.startsWith('began'))]
    },
  },
]

async function refusedUpload({ port }) {
  const bytes = 20_000_000
  const client = await Client.connect(port)
  client.pause()
  await client.send(`POST /refuse HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`)
  const chunk = Buffer.alloc(1_000_000)
  for (let sent = 0; sent < bytes; sent += chunk.length) await client.send(chunk)
  client.resume()
  return client.answer('too much')
}

async function requestThenFin({ port }) {
  const client = await Client.connect(port)
  await client.send(get('/'))
  client.fin()
  return client.answer()
}

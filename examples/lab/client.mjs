/**
 * One connection of a plain HTTP client. Requests that are not awaited are pipelined. It reads only what the experiments' servers
 * send: heads, and bodies with a Content-Length. It is not that of `halfclose-probe/wire`, whose transcript would be in what is measured here.
 */
import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'

/** @typedef {{ status: number, head: string, bytes: number }} Answer */
/** @typedef {{ resolve: (answer: Answer) => void, reject: (error: Error) => void }} Waiting */
/**
 * `localAddress`: whom to be. `ca`: speak TLS. `noDelay: false`: with Nagle's algorithm.
 * @typedef {{ localAddress?: string, ca?: Buffer | undefined, noDelay?: boolean }} ClientOptions
 */

const HEAD_END = Buffer.from('\r\n\r\n')

export class Client {
  /** @type {Buffer} */
  #rest = Buffer.alloc(0)
  /** @type {Waiting[]} */
  #waiting = []
  /** @type {Error | undefined} */
  #failure
  #socket
  /** Settles when the connection is gone from this side. */
  closed

  /** @param {number} port @param {ClientOptions} [options] */
  constructor(port, { ca, noDelay = true, ...options } = {}) {
    const plain = net.connect({ host: '127.0.0.1', port, noDelay, allowHalfOpen: true, ...options })
    this.#socket = ca ? tls.connect({ socket: plain, ca, servername: 'localhost' }) : plain
    this.#socket.on('data', (chunk) => this.#push(chunk))
    this.#socket.once('end', () => {
      this.#fail(new Error('the server closed before it answered'))
      this.#socket.end()
    })
    this.#socket.on('error', (error) => this.#fail(error))
    this.closed = new Promise((resolve) => plain.once('close', resolve))
  }

  /** @param {number} port @param {ClientOptions} [options] */
  static async open(port, options) {
    const client = new Client(port, options)
    await once(client.#socket, 'connect')
    return client
  }

  /** @param {string} [path] @param {{ close?: boolean }} [how] @returns {Promise<Answer>} */
  get(path = '/', { close = false } = {}) {
    return this.send(`GET ${path} HTTP/1.1\r\nHost: lab\r\n${close ? 'Connection: close\r\n' : ''}\r\n`)
  }

  /**
   * A request in pieces: each is a write of its own, in a turn of its own.
   * @param {...string} pieces
   * @returns {Promise<Answer>}
   */
  send(...pieces) {
    if (this.#failure) return Promise.reject(this.#failure)
    pieces.forEach((piece, index) => {
      if (index === 0) this.#socket.write(piece)
      else setImmediate(() => this.#socket.write(piece))
    })
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Closes: the one who calls this first keeps TIME_WAIT. */
  async close() {
    this.#socket.end()
    await this.closed
  }

  async reset() {
    if (this.#socket instanceof tls.TLSSocket) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
    await this.closed
  }

  /** @param {Buffer} chunk */
  #push(chunk) {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (;;) {
      const end = this.#rest.indexOf(HEAD_END)
      if (end === -1) return
      const head = this.#rest.toString('latin1', 0, end)
      const bytes = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      const whole = end + HEAD_END.length + bytes
      if (this.#rest.length < whole) return
      this.#rest = this.#rest.subarray(whole)
      this.#waiting.shift()?.resolve({ status: Number(head.slice(9, 12)), head, bytes })
    }
  }

  /** @param {Error} error */
  #fail(error) {
    this.#failure ??= error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

/** One request on a connection of its own, as a client without keep-alive does it. @param {number} port @param {string} [path] */
export async function fetchOnce(port, path) {
  const client = new Client(port)
  const answer = await client.get(path, { close: true })
  await client.closed
  return answer
}

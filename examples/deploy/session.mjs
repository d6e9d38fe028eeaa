/**
 * One HTTP/2 session to the service, as an honest client has it. It asks again only what the server says that it did not run: the
 * stream was refused (RFC 9113 §8.7), or it lies above the last one of the GOAWAY (§6.8). Anything else that is not answered is lost.
 * The client is `latency` ms away, as in connection.mjs.
 */
import http2 from 'node:http2'
import net from 'node:net'
import { Duplex } from 'node:stream'
import { STALLED_AFTER } from './settings.mjs'

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants

/** @typedef {import('./tally.mjs').Cause} Cause */
/** @typedef {import('./requests.mjs').Response} Response */
/** @typedef {{ told: string } | { told: undefined, cause: Cause, seen: string } | { told: undefined, cause: undefined, response: Response }} Outcome */

export class Session {
  /** Requests sent so far. */
  requests = 0
  openedAt = Date.now()
  #http2
  /** Set once connected. @type {number | undefined} */
  localPort
  /** The last stream that the server has run or will run, by its GOAWAY. */
  #last = Number.POSITIVE_INFINITY
  /** @type {NodeJS.ErrnoException | undefined} */
  #error

  /** @param {number} port @param {number} latency ms, one way */
  constructor(port, latency) {
    const socket = net.connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    socket.once('connect', () => {
      this.localPort = socket.localPort
    })
    const far = new FarSocket(socket, latency)
    this.#http2 = http2.connect(`http://127.0.0.1:${port}`, {
      createConnection: () => far,
      // Node counts the bodies that wait to be sent, and at 10 MB it cannot take an answer any more.
      maxSessionMemory: 1_000,
    })
    this.#http2.on('goaway', (_code, last) => {
      this.#last = last
    })
    this.#http2.on('error', (error) => {
      this.#error = error
    })
  }

  /** May a request be sent on it? */
  get usable() {
    return !this.#http2.closed && !this.#http2.destroyed && this.#last === Number.POSITIVE_INFINITY
  }

  /**
   * Sends one request and says what became of it, exactly once.
   * @param {import('./requests.mjs').Message} message
   * @returns {Promise<Outcome>}
   */
  exchange({ method, path, headers, body }) {
    this.requests += 1
    const stream = this.#http2.request({ ...headers, ':method': method, ':path': path }, { endStream: !body })
    /** @type {Buffer[]} */
    const chunks = []
    let status = 0
    /** @type {number | undefined} */
    let length
    stream.on('response', (fields) => {
      status = Number(fields[':status'])
      const field = fields['content-length']
      if (field !== undefined) length = Number(field)
    })
    stream.on('data', (chunk) => chunks.push(chunk))
    // What it is shows in the end.
    stream.on('error', () => {})
    stream.end(body)
    return new Promise((resolve) => {
      // 'end' comes after a cut, too.
      stream.once('end', () => {
        const answer = Buffer.concat(chunks)
        if (status === 0 || stream.rstCode !== NGHTTP2_NO_ERROR || (length ?? answer.length) !== answer.length) return
        clearTimeout(stalled)
        resolve({ told: undefined, cause: undefined, response: responseOf(status, answer) })
        // Answered before its body was sent: nobody wants the rest.
        if (!stream.writableFinished) stream.close(NGHTTP2_CANCEL)
      })
      const seen = () => `status ${status}, ${chunks.reduce((sum, { length }) => sum + length, 0)} bytes`
      const stalled = setTimeout(() => {
        resolve({ told: undefined, cause: 'stalled', seen: seen() })
        stream.destroy()
      }, STALLED_AFTER)
      stream.once('close', () => {
        clearTimeout(stalled)
        const { rstCode, id } = stream
        const why = `${this.#error?.code ?? `code ${rstCode}`} ${status === 0 ? 'before an answer' : `after ${seen()}`}`
        resolve(status === 0 ? this.#unanswered(id, rstCode, why) : { told: undefined, cause: 'cut', seen: why })
      })
    })
  }

  close() {
    this.#http2.close()
    setTimeout(() => this.#http2.destroy(), 1_000).unref()
  }

  /** @param {number | undefined} id @param {number} rstCode @param {string} seen @returns {Outcome} */
  #unanswered(id, rstCode, seen) {
    if (rstCode === NGHTTP2_REFUSED_STREAM) return { told: 'REFUSED_STREAM' }
    if (id === undefined ? this.#last < Number.POSITIVE_INFINITY : id > this.#last) return { told: 'GOAWAY' }
    if (this.localPort === undefined) return { told: undefined, cause: 'refused', seen }
    return { told: undefined, cause: this.#error || rstCode !== NGHTTP2_NO_ERROR ? 'reset' : 'eof', seen }
  }
}

/** @param {number} status @param {Buffer} body @returns {Response} */
function responseOf(status, body) {
  return { status, bodyLength: body.length, text: body.toString('latin1') }
}

/** A socket whose other end is `latency` ms away. Constant, so order is kept. */
class FarSocket extends Duplex {
  #socket
  #latency

  /** @param {net.Socket} socket @param {number} latency */
  constructor(socket, latency) {
    super()
    this.#socket = socket
    this.#latency = latency
    socket.on('data', (chunk) => this.#later(() => this.push(chunk)))
    socket.on('end', () => this.#later(() => this.push(null)))
    socket.on('error', (error) => this.#later(() => this.destroy(error)))
  }

  /** @override */
  _read() {}

  /** @override @param {Buffer} chunk @param {BufferEncoding} _encoding @param {() => void} done */
  _write(chunk, _encoding, done) {
    this.#later(() => this.#socket.write(chunk))
    done()
  }

  /** @override @param {() => void} done */
  _final(done) {
    this.#later(() => this.#socket.end())
    done()
  }

  /** @override @param {Error | null} error @param {(error: Error | null) => void} done */
  _destroy(error, done) {
    this.#later(() => this.#socket.destroy())
    done(error)
  }

  /** @param {() => void} task */
  #later(task) {
    setTimeout(task, this.#latency)
  }
}

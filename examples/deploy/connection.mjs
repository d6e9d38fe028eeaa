/**
 * One keep-alive connection to the service, as an honest client has it: it believes what the server says, and it never retries.
 * The client is `latency` ms away: what it writes leaves that much later, and what happens to the connection is seen that much
 * later. Without it, on loopback, a close would be seen in the same microsecond, and no client on a network is so lucky.
 *
 * It is not the client of `halfclose-probe/wire`: this folder can be copied, and runs with the packages that its package.json names.
 */
import net from 'node:net'
import { ResponseParser } from './response-parser.mjs'
import { STALLED_AFTER } from './settings.mjs'

/** How long before the end of a promise a client stops relying on it. */
const MARGIN = 500

/** @typedef {import('./tally.mjs').Cause} Cause */
/** @typedef {import('./requests.mjs').Message} Message */
/** @typedef {{ cause: Cause, seen: string } | { cause: undefined, response: ResponseParser }} Outcome */

export class Connection {
  /** Requests written so far. */
  requests = 0
  openedAt = Date.now()
  closed = false
  /** @type {number | undefined} the instant until which the server promised to keep the connection */
  #promisedUntil
  /** Called when the connection ends between two requests: was its promise still running? @type {(early: boolean) => void} */
  onIdleClose = () => {}
  /** @type {((event: 'data' | 'end' | 'error', value?: Buffer | NodeJS.ErrnoException) => void) | undefined} */
  #listener
  #latency
  #socket
  /** @type {number | undefined} set once connected */
  localPort

  /** @param {number} port @param {number} latency ms, one way */
  constructor(port, latency) {
    this.#latency = latency
    this.#socket = net.connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true })
    this.#socket.once('connect', () => {
      this.localPort = this.#socket.localPort
    })
    this.#socket.on('data', (chunk) => this.#later(() => this.#emit('data', chunk)))
    this.#socket.on('end', () => this.#later(() => this.#emit('end')))
    this.#socket.on('error', (error) => this.#later(() => this.#emit('error', error)))
  }

  /** May a request be sent on it, or is its promise running out? */
  get usable() {
    return !this.closed && (this.requests === 0 || (this.#promisedUntil ?? 0) - MARGIN > Date.now())
  }

  /**
   * Sends one request and says what became of it, exactly once.
   * @param {Message} message
   * @returns {Promise<Outcome>}
   */
  exchange(message) {
    this.requests += 1
    const parser = new ResponseParser()
    /** @type {Promise<Outcome>} */
    const outcome = new Promise((resolve) => {
      const stalled = setTimeout(
        () => settle({ cause: 'stalled', seen: `status ${parser.status}, ${parser.bodyLength} bytes` }),
        STALLED_AFTER,
      )
      /** @param {Outcome} result */
      const settle = (result) => {
        clearTimeout(stalled)
        this.#listener = undefined
        if (result.cause !== undefined || !result.response.persistent || result.response.promise === undefined) this.close()
        else this.#promisedUntil = Date.now() + result.response.promise
        resolve(result)
      }
      this.#listener = (event, value) => {
        try {
          if (event === 'data') parser.push(/** @type {Buffer} */ (value))
          else if (event === 'end') parser.end()
        } catch (error) {
          return settle({ cause: 'wrong', seen: String(error) })
        }
        if (parser.done) {
          if (parser.surplus > 0) settle({ cause: 'wrong', seen: `${parser.surplus} bytes behind the answer` })
          else settle({ cause: undefined, response: parser })
        } else if (event !== 'data') {
          settle(this.#loss(parser, /** @type {NodeJS.ErrnoException | undefined} */ (value)))
        }
      }
    })
    this.#later(() => this.#write(message))
    return outcome
  }

  close() {
    this.closed = true
    this.#later(() => {
      this.#socket.resume()
      this.#socket.end()
      // The server is done with the connection or will be soon: no need to wait for it for ever.
      setTimeout(() => this.#socket.destroy(), 1_000).unref()
    })
  }

  /**
   * @param {ResponseParser} parser
   * @param {NodeJS.ErrnoException | undefined} error undefined: the server closed
   * @returns {Outcome}
   */
  #loss(parser, error) {
    const seen = `${error?.code ?? 'FIN'} ${parser.hasHead ? `after status ${parser.status} and ${parser.bodyLength} bytes of body` : 'before an answer'}`
    if (this.localPort === undefined) return { cause: 'refused', seen }
    if (parser.hasHead) return { cause: 'cut', seen }
    return { cause: error ? 'reset' : 'eof', seen }
  }

  /** @param {Message} message */
  #write({ method, path, headers = {}, body, writesFirst }) {
    if (this.#socket.destroyed) return
    // It writes the whole body before it looks for an answer, as Python's requests and Java's HttpURLConnection do.
    if (writesFirst) this.#socket.pause()
    const fields = Object.entries({ host: 'demo', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    this.#socket.write(`${method} ${path} HTTP/1.1\r\n${fields.join('')}\r\n`)
    if (body) {
      this.#socket.write(body, (error) => {
        if (!error) this.#socket.resume()
      })
    }
  }

  /** @param {'data' | 'end' | 'error'} event @param {Buffer | NodeJS.ErrnoException} [value] */
  #emit(event, value) {
    if (this.#listener) return this.#listener(event, value)
    if (this.closed) return
    this.close()
    if (this.requests > 0) this.onIdleClose(Date.now() < (this.#promisedUntil ?? 0))
  }

  /** Constant per connection, so order is kept. @param {() => void} task */
  #later(task) {
    setTimeout(task, this.#latency)
  }
}

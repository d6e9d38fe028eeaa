/**
 * A small HTTP/1.1 response parser that never guesses: it tells a whole response from one that was cut, which node:http and fetch
 * only tell as "an error". One parser reads one response.
 */

const HEAD_END = Buffer.from('\r\n\r\n')
const LINE_END = Buffer.from('\r\n')
const MAX_HEAD = 64 * 1024

/** @typedef {'head' | 'length' | 'until-close' | 'chunk-size' | 'chunk-data' | 'chunk-end' | 'trailer' | 'done'} Stage */

export class ResponseParser {
  /** @type {Stage} */
  stage = 'head'
  status = 0
  /** @type {Map<string, string>} names in lower case; repeated fields joined with a comma */
  headers = new Map()
  /** Bytes of the body so far, framing not counted. */
  bodyLength = 0
  /** @type {Buffer[]} */
  #body = []
  /** @type {Buffer} */
  #rest = Buffer.alloc(0)
  #left = 0

  get done() {
    return this.stage === 'done'
  }

  /** True once a final (not 1xx) head was read: from here on a missing end is a cut body. */
  get hasHead() {
    return this.stage !== 'head'
  }

  get text() {
    return Buffer.concat(this.#body).toString('latin1')
  }

  /** Bytes that came behind the end of the response. */
  get surplus() {
    return this.done ? this.#rest.length : 0
  }

  /** True if the connection may carry another request (RFC 9112 §9.3). */
  get persistent() {
    const options = (this.headers.get('connection') ?? '').toLowerCase().split(',')
    return !options.some((option) => option.trim() === 'close')
  }

  /** The `timeout` of `Keep-Alive` in ms, or undefined if nothing was promised. */
  get promise() {
    const match = /(?:^|,)\s*timeout\s*=\s*(\d+)/i.exec(this.headers.get('keep-alive') ?? '')
    return match ? Number(match[1]) * 1000 : undefined
  }

  /** @param {Buffer} chunk */
  push(chunk) {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (this.#step());
  }

  /** The peer closed its half. Returns true if that completes the response. */
  end() {
    if (this.stage === 'until-close') this.stage = 'done'
    return this.done
  }

  /** @returns {boolean} true while there is more to do with what has arrived */
  #step() {
    switch (this.stage) {
      case 'head':
        return this.#readHead()
      case 'length':
      case 'chunk-data':
        if (this.#takeBody()) return false
        this.stage = this.stage === 'length' ? 'done' : 'chunk-end'
        return true
      case 'until-close':
        this.#left = Number.POSITIVE_INFINITY
        this.#takeBody()
        return false
      case 'chunk-size': {
        const line = this.#takeLine()
        if (line === undefined) return false
        if (!/^[0-9a-f]+\s*(;|$)/i.test(line)) throw new Error(`not a chunk size: ${JSON.stringify(line)}`)
        this.#left = Number.parseInt(line, 16)
        this.stage = this.#left === 0 ? 'trailer' : 'chunk-data'
        return true
      }
      case 'chunk-end':
      case 'trailer': {
        const line = this.#takeLine()
        if (line === undefined) return false
        if (this.stage === 'chunk-end') {
          if (line !== '') throw new Error(`a chunk is longer than it said: ${JSON.stringify(line.slice(0, 40))}`)
          this.stage = 'chunk-size'
        } else if (line === '') this.stage = 'done'
        return true
      }
      default:
        return false
    }
  }

  #readHead() {
    const end = this.#rest.indexOf(HEAD_END)
    if (end === -1) {
      if (this.#rest.length > MAX_HEAD) throw new Error('the head of the response does not end')
      return false
    }
    const [statusLine = '', ...fields] = this.#rest.toString('latin1', 0, end).split('\r\n')
    this.#rest = this.#rest.subarray(end + HEAD_END.length)
    const match = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(statusLine)
    if (!match) throw new Error(`not a status line: ${JSON.stringify(statusLine.slice(0, 80))}`)
    this.status = Number(match[1])
    if (this.status < 200) return true
    for (const field of fields) {
      const colon = field.indexOf(':')
      if (colon < 1) throw new Error(`not a header field: ${JSON.stringify(field.slice(0, 80))}`)
      const name = field.slice(0, colon).toLowerCase()
      const value = field.slice(colon + 1).trim()
      const before = this.headers.get(name)
      this.headers.set(name, before === undefined ? value : `${before}, ${value}`)
    }
    this.stage = this.#framing()
    return true
  }

  /** RFC 9112 §6.3, for requests other than HEAD and CONNECT. @returns {Stage} */
  #framing() {
    if (this.status === 204 || this.status === 304) return 'done'
    if (/(?:^|,)\s*chunked\s*$/i.test(this.headers.get('transfer-encoding') ?? '')) return 'chunk-size'
    const length = this.headers.get('content-length')
    if (length === undefined) return 'until-close'
    if (!/^\d+$/.test(length)) throw new Error(`not a Content-Length: ${JSON.stringify(length)}`)
    this.#left = Number(length)
    return 'length'
  }

  /** Takes what has arrived of the current piece of body. Returns true if more of it must come. */
  #takeBody() {
    const piece = this.#rest.subarray(0, Math.min(this.#left, this.#rest.length))
    this.#rest = this.#rest.subarray(piece.length)
    this.#left -= piece.length
    this.bodyLength += piece.length
    // Kept only while small: a download is checked by its length.
    if (this.bodyLength <= 4096) this.#body.push(piece)
    return this.#left > 0
  }

  /** @returns {string | undefined} */
  #takeLine() {
    const end = this.#rest.indexOf(LINE_END)
    if (end === -1) return undefined
    const line = this.#rest.toString('latin1', 0, end)
    this.#rest = this.#rest.subarray(end + LINE_END.length)
    return line
  }
}

/** How the server's output ended. */
export type Ending = 'fin' | 'reset'

/** One response, as it arrives. */
export class Response {
  readonly #chunks: Buffer[] = []
  /** When its head arrived: ms since 1970. */
  readonly headAt = Date.now()
  /** When it was whole; 0: it is not. */
  wholeAt = 0
  /** Bytes of the body so far. */
  length = 0
  /** Whole by its framing, which is what a client believes. */
  complete = false

  constructor(
    /** `1.0` or `1.1`. */
    readonly version: string,
    /** Status code. */
    readonly status: number,
    /** Reason phrase. */
    readonly reason: string,
    /** Fields, in order. */
    readonly headers: readonly (readonly [name: string, value: string])[],
  ) {}

  /** All values of a field, joined as RFC 9110 section 5.3 allows. */
  header(name: string): string | undefined {
    const values = this.headers.filter(([field]) => field.toLowerCase() === name).map(([, value]) => value)
    return values.length > 0 ? values.join(', ') : undefined
  }

  /** `Connection: close` is among its fields. */
  get closes(): boolean {
    return /(^|[\s,])close([\s,]|$)/i.test(this.header('connection') ?? '')
  }

  /** The body so far. */
  get body(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** The same as text. */
  get text(): string {
    return this.body.toString('latin1')
  }

  /** Another piece of the body. */
  add(chunk: Buffer, keep = true): void {
    if (keep) this.#chunks.push(chunk)
    this.length += chunk.length
  }

  /** Status, fields and length, for error messages. */
  toString(): string {
    const fields = this.headers.map(([name, value]) => `${name}: ${value}`).join('; ')
    return `${this.status} (${fields}) ${this.length} B${this.complete ? '' : ', INCOMPLETE'}`
  }
}

/** How much of what is no response is kept. */
const GARBAGE = 10_000

/** The bytes of a body by its Content-Length; undefined: no client can tell (RFC 9112 section 6.3). The same value may stand there several times. */
function bodyLength(field: string): number | undefined {
  const [first = '', ...more] = field.split(',').map((one) => one.trim())
  return /^\d+$/.test(first) && more.every((one) => one === first) ? Number(first) : undefined
}

type State = { in: 'head' } | { in: 'body'; left: number } | { in: 'chunk-size' } | { in: 'chunk'; left: number }
type More = { in: 'trailers' } | { in: 'until-end' } | { in: 'tunnel' } | { in: 'garbage' }

/** Parses the bytes of one connection as RFC 9112 section 6.3 frames them, without tolerance. */
export class ResponseParser {
  /** Methods of the requests sent, in order: the answer to HEAD has no body, a 2xx to CONNECT opens a tunnel. */
  readonly methods: string[] = []
  /** Bytes after the protocol was switched. */
  readonly tunnel: Buffer[] = []
  /** The first bytes that came in place of a response, and are none. */
  garbage = ''
  #state: State | More = { in: 'head' }
  #current: Response | undefined
  #buffer: Buffer = Buffer.alloc(0)

  constructor(
    private readonly onHead: (response: Response) => void,
    private readonly onComplete: (response: Response) => void,
    private readonly bodies = true,
  ) {}

  /** Takes the next bytes. */
  feed(data: Buffer): void {
    this.#buffer = this.#buffer.length > 0 ? Buffer.concat([this.#buffer, data]) : data
    while (this.#buffer.length > 0 && this.#step());
  }

  /** A close-delimited body is complete only if the connection ended cleanly. */
  end(ending: Ending): void {
    if (this.#state.in === 'until-end' && ending === 'fin') this.#finish()
  }

  #step(): boolean {
    const state = this.#state
    switch (state.in) {
      case 'head':
        return this.#head()
      case 'body':
      case 'chunk': {
        const part = this.#take(Math.min(state.left, this.#buffer.length))
        this.#add(part)
        state.left -= part.length
        if (state.left === 0) this.#bodyPartDone(state.in)
        return true
      }
      case 'chunk-size': {
        const line = this.#line()
        if (line === undefined) return false
        if (line === '') return true // the CRLF behind the chunk before
        const size = /^[0-9a-f]+/i.test(line) ? Number.parseInt(line, 16) : -1
        if (size < 0) this.#state = { in: 'garbage' }
        else this.#state = size > 0 ? { in: 'chunk', left: size } : { in: 'trailers' }
        return true
      }
      case 'trailers': {
        const line = this.#line()
        if (line === '') this.#finish()
        return line !== undefined
      }
      case 'until-end':
        this.#add(this.#take(this.#buffer.length))
        return false
      case 'tunnel':
        this.tunnel.push(this.#take(this.#buffer.length))
        return false
      case 'garbage':
        this.garbage += this.#take(this.#buffer.length).toString('latin1', 0, GARBAGE - this.garbage.length)
        return false
    }
  }

  #add(part: Buffer): void {
    this.#current?.add(part, this.bodies)
  }

  #bodyPartDone(part: 'body' | 'chunk'): void {
    if (part === 'body') this.#finish()
    else this.#state = { in: 'chunk-size' }
  }

  #head(): boolean {
    const end = this.#buffer.indexOf('\r\n\r\n')
    const start = /^HTTP\/(1\.[01]) (\d{3}) ?([^\r]*)\r\n/.exec(
      this.#buffer.toString('latin1', 0, Math.min(256, this.#buffer.length)),
    )
    if (start === null && (end >= 0 || !'HTTP/1.'.startsWith(this.#buffer.toString('latin1', 0, 7)))) {
      this.#state = { in: 'garbage' }
      return true
    }
    if (end < 0 || start === null) return false
    const fields = this.#take(end + 4)
      .toString('latin1')
      .split('\r\n')
      .slice(1, -2)
    const headers = fields.map((field) => {
      const colon = field.indexOf(':')
      return [field.slice(0, colon), field.slice(colon + 1).trim()] as const
    })
    const response = new Response(start[1] ?? '', Number(start[2]), start[3] ?? '', headers)
    this.#current = response
    this.onHead(response)
    this.#frame(response)
    return true
  }

  #frame(response: Response): void {
    const interim = response.status < 200 && response.status !== 101
    const method = interim ? '' : this.methods.shift()
    if (response.status === 101 || (method === 'CONNECT' && response.status < 300)) {
      this.#finish()
      this.#state = { in: 'tunnel' }
    } else if (interim || method === 'HEAD' || response.status === 204 || response.status === 304) {
      this.#finish()
    } else if (/chunked/i.test(response.header('transfer-encoding') ?? '')) {
      this.#state = { in: 'chunk-size' }
    } else if (response.header('content-length') !== undefined) {
      const left = bodyLength(response.header('content-length') ?? '')
      this.#state = left === undefined ? { in: 'garbage' } : { in: 'body', left }
      if (left === 0) this.#finish()
    } else {
      this.#state = { in: 'until-end' }
    }
  }

  #finish(): void {
    const done = this.#current
    this.#state = { in: 'head' }
    this.#current = undefined
    if (done === undefined) return
    done.complete = true
    done.wholeAt = Date.now()
    this.onComplete(done)
  }

  #take(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes)
    this.#buffer = this.#buffer.subarray(bytes)
    return taken
  }

  #line(): string | undefined {
    const end = this.#buffer.indexOf('\r\n')
    return end < 0 ? undefined : this.#take(end + 2).toString('latin1', 0, end)
  }
}

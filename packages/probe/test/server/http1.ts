import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Shared, times } from './faults.js'
import { Input } from './input.js'
import { Output } from './output.js'
import { bodyLength, closeForm, connectionOptions, parseHead, type Request } from './request.js'

export const BODY = 'halfclose '.repeat(600)
const HEAD_AT_MOST = 64 * 1024
const MAX = 2_000
const GIGABYTE = 1_000_000_000

/** What follows an answer. */
type Next = 'next' | 'end' | 'hang'

/** One connection of HTTP/1: each method keeps a rule, unless the server's faults name it. */
export class Http1 {
  readonly input: Input
  readonly output: Output
  #served = 0
  #answeredAt = Date.now()
  readonly #openedAt = Date.now()

  constructor(
    private readonly raw: Socket,
    stream: Duplex,
    private readonly shared: Shared,
  ) {
    this.input = new Input(stream)
    this.output = new Output(raw, stream, shared)
  }

  #breaks(id: string): boolean {
    return this.shared.faults.has(id)
  }

  /** Serves it to its end; or, where the first bytes are another protocol's, hands it over. */
  async run(isOther: () => boolean = () => false, handOver: (begun: Buffer) => void = () => {}): Promise<void> {
    const wake = () => this.input.poke()
    this.shared.onStop.add(wake)
    try {
      await this.#first()
      if (isOther()) return handOver(this.input.release())
      for (let next: Next = 'next'; next === 'next'; ) {
        next = await this.#one()
        if (next === 'end') await this.output.end(this.input)
      }
    } finally {
      this.shared.onStop.delete(wake)
    }
  }

  async #one(): Promise<Next> {
    const text = await this.#head()
    if (text === 'reset') {
      this.raw.resetAndDestroy()
      return 'hang'
    }
    if (text === 'hang') return 'hang'
    if (text === undefined) return 'end'
    this.#served++
    const next = await this.#exchange(parseHead(text))
    this.#answeredAt = Date.now()
    return next
  }

  /** The first bytes are there, or none come. */
  async #first(): Promise<void> {
    await this.input.wait(
      () => (this.input.length > 3 ? true : undefined),
      () => this.#due(),
    )
  }

  /** When the wait for a first byte is over. */
  #due(): number {
    const { stoppedAt } = this.shared
    if (this.#served === 0) {
      if (this.#breaks('c/preconnected') || this.#breaks('a/silent-let-go')) return Number.POSITIVE_INFINITY
      return stoppedAt === undefined ? this.#openedAt + times.bound : Math.max(stoppedAt + 300, this.#openedAt)
    }
    if (stoppedAt !== undefined) return this.#breaks('c/idle-promise') ? stoppedAt + 50 : this.#answeredAt + times.promise + 200
    if (this.#breaks('a/idle-ends')) return Number.POSITIVE_INFINITY
    if (this.#breaks('a/keep-alive-honoured')) return this.#answeredAt + times.promise * 0.4
    return this.#answeredAt + times.hold + (this.#breaks('b/request-at-idle-end') ? times.zombie : 0)
  }

  /** The next head; undefined: none comes any more, and the connection ends. */
  async #head(): Promise<string | undefined | 'reset' | 'hang'> {
    const first = await this.input.wait(
      () => (this.input.length > 0 ? true : undefined),
      () => this.#due(),
    )
    if (
      first === 'late' &&
      this.#served > 0 &&
      (this.#breaks('a/idle-fin') || (this.#breaks('c/idle-fin') && this.shared.stoppedAt !== undefined))
    )
      return 'reset'
    if (first === 'late' && this.#breaks('a/idle-close-notify')) this.output.withoutNotify = true
    if (first !== true) return undefined
    if (this.#breaks('b/request-at-idle-end') && this.#served > 0 && Date.now() > this.#answeredAt + times.hold - 150)
      return 'hang'
    if (this.#breaks('c/in-the-kernel') && this.#served > 0 && (await this.#stopsNow())) return 'reset'
    return this.#restOfHead()
  }

  /** The signal came just now, or comes within a moment. */
  async #stopsNow(): Promise<boolean> {
    await new Promise((resolve) => setTimeout(resolve, 40))
    return this.shared.stoppedAt !== undefined && Date.now() < this.shared.stoppedAt + 150
  }

  async #restOfHead(): Promise<string | undefined | 'reset' | 'hang'> {
    let since = Date.now()
    if (this.#breaks('a/drip-let-go')) {
      this.input.onBytes = () => {
        since = Date.now()
      }
    }
    const end = await this.input.wait(
      () => {
        const at = this.input.peek(HEAD_AT_MOST + 4).indexOf('\r\n\r\n')
        if (at >= 0) return at
        return this.input.length > HEAD_AT_MOST ? -1 : undefined
      },
      () => since + (this.#breaks('a/drip-let-go') ? 500 : times.bound),
    )
    this.input.onBytes = () => {}
    if (end === 'end') return undefined
    if (end === 'late') return this.#refuse('408 Request Timeout')
    if (end < 0) return this.#breaks('a/431-readable') ? 'reset' : this.#refuse('431 Request Header Fields Too Large')
    const text = this.input.take(end + 4).toString('latin1', 0, end)
    return text
  }

  async #refuse(status: string): Promise<undefined> {
    await this.output.write(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
    return undefined
  }

  async #exchange(request: Request): Promise<Next> {
    const length = bodyLength(request)
    if (length === 'bad') return this.#malformed()
    if (request.values('expect').includes('100-continue')) {
      if (length > GIGABYTE) return this.#refuseContinue()
      await this.output.write('HTTP/1.1 100 Continue\r\n\r\n')
    }
    const early = this.#earlyFault(request, length) ?? this.#pipelineFault(request) ?? (await this.#halfClosedFault(request))
    if (early !== undefined) return early
    if (request.path.startsWith('/slow')) return this.#slow(request, length)
    if (request.path.startsWith('/stream')) return this.#stream(request)
    if (this.#breaks('b/leavers-noticed') && this.#served === 1) {
      const left = this.shared.busyUntil - Date.now()
      if (left > 0) this.shared.busyUntil = 1
      await new Promise((resolve) => setTimeout(resolve, left))
    }
    return this.#answer(request, length)
  }

  async #malformed(): Promise<Next> {
    if (this.#breaks('a/400-readable')) {
      await this.input.change(100)
      if (this.input.length > 0) {
        this.raw.resetAndDestroy()
        return 'hang'
      }
    }
    await this.#refuse('400 Bad Request')
    return this.#breaks('a/400-closes') ? 'hang' : 'end'
  }

  async #refuseContinue(): Promise<Next> {
    if (!this.#breaks('b/refused-continue')) {
      await this.#refuse('413 Content Too Large')
      return 'end'
    }
    await this.output.write('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n')
    return 'next'
  }

  #earlyFault(request: Request, length: number): Next | undefined {
    const closes = closeForm(request) !== undefined
    if (length < 1_000_000 || !this.#breaks(closes ? 'a/early-answer-close' : 'a/early-answer')) return undefined
    this.raw.resetAndDestroy()
    return 'hang'
  }

  #pipelineFault({ method, path }: Request): Next | undefined {
    if (this.#served > 1 || path.startsWith('/slow')) return undefined
    const behind = this.input.peek()
    if (this.#breaks('a/pipeline-error-behind') && behind.includes('Content-Length: abc')) {
      void this.#refuse('400 Bad Request')
      return 'end'
    }
    const count = behind.split('\r\n\r\n').length - 1
    if (this.#breaks('a/pipeline-order') && method === 'GET' && count > 2 && count < 10) this.output.swaps = true
    return undefined
  }

  async #halfClosedFault({ path, method }: Request): Promise<Next | undefined> {
    const id = this.#served === 1 ? 'a/half-closed' : 'a/half-closed-pipeline'
    if (this.#served > 2 || !this.#breaks(id) || path.startsWith('/slow') || method !== 'GET') return undefined
    await this.input.change(300)
    if (!this.input.ended || this.input.length > 0) return undefined
    return 'end'
  }

  async #slow(request: Request, length: number): Promise<Next> {
    const cut = this.#breaks('c/in-flight')
    if (this.#breaks('b/error-behind-slow') && this.input.peek().includes('Content-Length: abc')) {
      await this.#refuse('400 Bad Request')
      return 'end'
    }
    if (length > 0 && (await this.#body(length)) !== 'next') return 'end'
    const twin = this.#breaks('b/post-waits-for-post') && request.method === 'POST' && this.input.peek().startsWith('POST')
    if (this.#breaks('b/order-slow-fast') && this.input.peek().startsWith('HEAD')) {
      this.input.take(this.input.peek().indexOf('\r\n\r\n') + 4)
      await this.#answer({ ...request, method: 'HEAD' }, 0)
    }
    const until = Date.now() + Number(/ms=(\d+)/.exec(request.path)?.[1] ?? 300)
    while (Date.now() < until && !this.input.gone) {
      await this.input.change(until - Date.now())
      if (cut && this.shared.stoppedAt !== undefined) return 'end'
      if (this.#breaks('b/half-closed-slow') && this.input.ended) return 'end'
    }
    if (this.input.gone) this.shared.busyUntil ||= Date.now() + 6_000
    if (this.#breaks('b/close-slow') && closeForm(request) !== undefined) {
      await this.output.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${BODY.length}\r\n\r\nhalf`)
      return 'end'
    }
    if (twin) {
      const at = this.input.peek().indexOf('\r\n\r\n') + 4
      this.input.take(at + length)
      await this.#answer(request, 0)
    }
    return this.#answer(request, 0)
  }

  /** An answer without an end: until the process is told to stop. */
  async #stream({ version }: Request): Promise<Next> {
    const chunked = version === 'HTTP/1.1'
    await this.output.write(`HTTP/1.1 200 OK\r\n${chunked ? 'Transfer-Encoding: chunked' : 'Connection: close'}\r\n\r\n`)
    while (!this.input.gone && (this.shared.stoppedAt === undefined || this.#breaks('c/stream-ends'))) {
      await this.output.write(chunked ? '4\r\ntick\r\n' : 'tick')
      await this.input.change(30)
    }
    if (chunked && !this.#breaks('c/cut-shows')) await this.output.write('0\r\n\r\n')
    return 'end'
  }

  /** Says the answer, and what follows it: the rest of the body, the next request or the end. */
  async #answer(request: Request, length: number): Promise<Next> {
    const old = request.version === 'HTTP/1.0'
    const form = closeForm(request)
    const stopping = this.shared.stoppedAt !== undefined
    const left = MAX - (this.#breaks('a/max-true') ? 1 : this.#served)
    const asks = old ? connectionOptions(request).includes('keep-alive') : form === undefined
    const kept = asks && !stopping && left > 0 && !this.#breaks(old ? 'a/http10-keep-alive' : 'a/persists')
    const keptAtStop = asks && stopping && this.#breaks('c/in-flight-close') && request.path.startsWith('/slow')
    const fields =
      kept || keptAtStop
        ? ['Connection: keep-alive', `Keep-Alive: timeout=${times.promise / 1_000}, max=${left}`]
        : this.#closing(request)
    const framing = this.#framing(request, kept)
    const body = request.method === 'HEAD' && !(this.#breaks('a/pipeline-head-no-body') && this.#served === 1) ? '' : framing.body
    const sent = await this.output.answer(
      `HTTP/1.1 200 OK\r\n${[...fields, ...framing.fields].join('\r\n')}\r\n\r\n`,
      body,
      request.method,
    )
    if (!sent) return this.#breaks('a/tls-cut-shows') ? 'hang' : 'end'
    if (this.#breaks('a/half-closed-ends') && this.#served === 1 && this.input.length === 0) {
      if (!this.input.ended) await this.input.change(300)
      if (this.input.ended && this.input.length === 0) return 'hang'
    }
    if (this.#hangs(request)) return 'hang'
    if (!kept)
      return form !== undefined && request.path === '/' && this.#breaks('a/close-nothing-behind') && this.input.length > 0
        ? 'next'
        : this.#last(request)
    return length > 0 && !this.#takesBodyForRequest() ? this.#body(length) : 'next'
  }

  #closing(request: Request): string[] {
    const told = closeForm(request) !== undefined && this.#breaks('a/close-is-said') ? [] : ['Connection: close']
    return this.#breaks('a/no-promise-beside-close') ? [...told, 'Keep-Alive: timeout=1'] : told
  }

  #framing({ version }: Request, kept: boolean): { fields: string[]; body: string } {
    if (version === 'HTTP/1.0' && !kept && this.#breaks('a/http10-not-chunked')) {
      return { fields: ['Transfer-Encoding: chunked'], body: `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n` }
    }
    if (version === 'HTTP/1.0' && kept && this.#breaks('a/http10-end-shows')) return { fields: [], body: BODY }
    return { fields: [`Content-Length: ${BODY.length}`], body: BODY }
  }

  /** Answers, and then neither closes nor goes on. */
  #hangs(request: Request): boolean {
    const form = closeForm(request)
    if (form !== undefined && request.method === 'GET' && request.path === '/' && this.#breaks(`a/close-${form}`)) return true
    if (request.version !== 'HTTP/1.0') return false
    return this.#breaks(connectionOptions(request).includes('keep-alive') ? 'a/http10-end-shows' : 'a/http10-closes')
  }

  #last(request: Request): Next {
    if (closeForm(request) !== undefined && this.#breaks('a/close-notify')) this.output.withoutNotify = true
    return 'end'
  }

  #takesBodyForRequest(): boolean {
    return this.#breaks('a/body-is-no-request') && this.input.peek(4) === 'GET '
  }

  /** Reads a body away. */
  async #body(length: number): Promise<Next> {
    let left = length
    let since = Date.now()
    const forever = this.#breaks('a/stalled-body-let-go') || this.#breaks('c/stalled-upload')
    while (left > 0) {
      const got = await this.input.wait(
        () => (this.input.length > 0 ? true : undefined),
        () => (forever ? Number.POSITIVE_INFINITY : since + times.bound),
      )
      if (got !== true) return 'end'
      left -= this.input.take(Math.min(left, this.input.length)).length
      since = Date.now()
    }
    return 'next'
  }
}

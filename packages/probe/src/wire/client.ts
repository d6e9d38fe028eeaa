import { fail } from 'node:assert/strict'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type ClientOptions, dial } from './dial.js'
import { type Poured, pour, sip } from './pace.js'
import { type Ending, type Response, ResponseParser } from './responses.js'
import type { Records } from './tls-tap.js'
import { Transcript } from './transcript.js'
import { Arrivals, deferred, pass, patience, within } from './wait.js'

/** How much of what is sent a transcript shows. */
const SHOWN = 120

/** Sends exactly the bytes that it is told to, and records everything that arrives and how the connection ended. */
export class Client {
  /** Final responses, whole. */
  readonly answers = new Arrivals<Response>()
  /** Heads of final responses. */
  readonly heads = new Arrivals<Response>()
  /** Responses with 1xx. */
  readonly interim = new Arrivals<Response>()
  /** Parses the server's bytes. */
  readonly parser: ResponseParser
  /** How the server's output ended: by FIN or reset, whichever came first. */
  ending: Ending | undefined
  /** When that was: ms since 1970. */
  endedAt = 0
  /** TCP has ended on this side: what is written now is lost. */
  gone = false
  /** What was sent and seen, with times. */
  readonly transcript = new Transcript()
  readonly #records: Records
  readonly #ended = deferred<Ending>()
  readonly #goneAt = deferred<number>()
  #taken = 0
  readonly #finished = new Set<Socket>()
  #bytesNoted = 0

  private constructor(
    /** The TCP socket. */
    readonly raw: Socket,
    /** The TLS socket, or the same. */
    readonly stream: Socket,
    records: Records,
    private readonly obliging: boolean,
    { reads, bodies }: Pick<ClientOptions, 'reads' | 'bodies'>,
  ) {
    this.#records = records
    this.parser = new ResponseParser(
      (response) => {
        this.#note(`head of ${response.status}`)
        const list = response.status < 200 && response.status !== 101 ? this.interim : this.heads
        list.push(response)
      },
      (response) => {
        this.#note(`whole ${response}`)
        if (response.status >= 200 || response.status === 101) this.answers.push(response)
      },
      bodies,
    )
    stream.on('data', reads ?? ((chunk: Buffer) => this.parser.feed(chunk)))
    for (const side of new Set([raw, stream])) {
      side.on('end', () => this.#fin(side))
      side.on('error', (error: NodeJS.ErrnoException) => this.#error(error.code ?? error.message))
    }
    const over = () => {
      if (this.#finished.has(raw)) this.#fin(stream)
      this.gone = true
      this.#note('gone')
      this.#goneAt.resolve(Date.now())
    }
    // Bytes that TLS has still to decrypt come before the end of TCP.
    raw.on('close', () => (stream === raw || stream.closed ? over() : stream.once('close', over)))
  }

  /** Connects. Rejects if the server refuses, or the handshake fails. */
  static async open(options: ClientOptions): Promise<Client> {
    const { raw, stream, records, ready } = await dial(options)
    const client = new Client(raw, stream, records, options.obliging ?? true, options)
    await ready
    return client
  }

  /** Resolves to true when the kernel has the bytes, to false if the connection was gone. Never throws. */
  send(data: string | Buffer): Promise<boolean> {
    if (typeof data === 'string') {
      for (const [, method] of data.matchAll(/^([A-Z]+) \S+ HTTP\/1\.[01]\r$/gm)) this.parser.methods.push(method ?? '')
    }
    this.#noteSent(data)
    if (this.gone) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.stream.write(data, (error) => resolve(!error))
      void this.#goneAt.promise.then(() => resolve(false))
    })
  }

  /** A client that reads no answer until it has sent everything. */
  async sendBeforeReading(...data: (string | Buffer)[]): Promise<boolean> {
    this.stream.pause()
    let sent = true
    for (const part of data) sent = sent && (await this.send(part))
    if (sent) this.stream.resume()
    return sent
  }

  /** Writes `chunk` over and over until `limit` bytes are taken, nothing is taken for `stall` ms, or the connection is gone. */
  pour(chunk: string | Buffer, limit: number, stall = 1_000): Promise<Poured> {
    return pour(this, chunk, limit, stall)
  }

  /** A slow but steady reader: takes at most `rate` bytes/s for `ms`, then without a limit. */
  sip(rate: number, ms: number): Promise<void> {
    return sip(this.stream, rate, Promise.race([pass(ms), this.#goneAt.promise]))
  }

  /** Ends the client's output (TLS: close_notify, then FIN); the client goes on reading. */
  fin(): void {
    this.#note('our FIN')
    this.stream.end()
  }

  /** Ends TCP with RST. */
  reset(): void {
    this.#note('our RST')
    this.raw.resetAndDestroy()
  }

  /** Ends the connection at once. After the client's FIN resetAndDestroy() would fail (EINVAL) and leak the handle; a unix socket has none. */
  vanish(): void {
    if (this.gone || this.raw.writableEnded || this.raw.remoteAddress === undefined) this.destroy()
    else this.reset()
  }

  /** Closes both halves at once, like a process that dies or a tab that is closed. */
  destroy(): void {
    this.#note('destroyed')
    this.stream.destroy()
    this.raw.destroy()
  }

  /** One exchange. */
  async ask(request: string): Promise<Response> {
    void this.send(request)
    return this.next()
  }

  /** The next final response, whole. */
  next(ms = patience): Promise<Response> {
    const index = this.#taken++
    return this.#orEnd(this.answers, index, `answer ${index + 1}`, ms)
  }

  /** The next `count` final responses. */
  async take(count: number, ms = patience): Promise<Response[]> {
    const answers: Response[] = []
    while (answers.length < count) answers.push(await this.next(ms))
    return answers
  }

  /** The head of response `index`, as soon as it has arrived. */
  head(index: number, ms = patience): Promise<Response> {
    return this.#orEnd(this.heads, index, `head ${index + 1}`, ms)
  }

  /** The first final response; fails if there is none. */
  get first(): Response {
    return this.answers.list[0] ?? fail(`no answer yet\n${this}`)
  }

  /** The newest final response; fails if there is none. */
  get last(): Response {
    return this.answers.list.at(-1) ?? fail(`no answer yet\n${this}`)
  }

  /** Statuses of the whole answers so far, e.g. '200 200 400'. */
  get statuses(): string {
    return this.answers.list.map(({ status }) => status).join(' ')
  }

  /** Resolves to how the server's output ended. */
  closed(ms = patience): Promise<Ending> {
    return within(this.#ended.promise, () => `end of the connection\n${this}`, ms)
  }

  /** Resolves when the connection is gone in both directions, as far as this side knows. */
  over(ms = patience): Promise<number> {
    return within(this.#goneAt.promise, () => `connection gone\n${this}`, ms)
  }

  /** The TLS socket. */
  get secured(): TLSSocket {
    return this.stream instanceof TLSSocket ? this.stream : fail('no TLS here')
  }

  /** Over TLS: the server's last record was an alert, that is close_notify. */
  get closeNotify(): boolean {
    return this.#records.endsInAlert
  }

  /** The transcript, for error messages. */
  toString(): string {
    return ['what was seen:', `${this.transcript}`, this.parser.garbage && `garbage: ${this.parser.garbage.slice(0, 200)}`].join(
      '\n  ',
    )
  }

  #orEnd(list: Arrivals<Response>, index: number, what: string, ms: number): Promise<Response> {
    const ended = Promise.race([this.#ended.promise, this.#goneAt.promise]).then(() => {
      const there = list.list[index]
      if (there === undefined) throw new Error(`the connection ended before ${what}\n${this}`)
      return there
    })
    return within(Promise.race([list.at(index), ended]), () => `${what}\n${this}`, ms)
  }

  /** Over TLS the end shows twice: as close_notify in the stream, and as FIN below. */
  #fin(side: Socket): void {
    this.#finished.add(side)
    if (!this.#finished.has(this.raw) || !this.#finished.has(this.stream) || this.ending !== undefined) return
    this.#end('fin')
    if (this.obliging) this.stream.end()
  }

  #error(code: string): void {
    this.#note(`error ${code}`)
    if (this.ending === undefined) this.#end('reset')
  }

  #end(ending: Ending): void {
    this.ending = ending
    this.endedAt = Date.now()
    this.#note(ending === 'fin' ? 'FIN' : 'reset')
    this.parser.end(ending)
    this.#ended.resolve(ending)
  }

  #noteSent(data: string | Buffer): void {
    this.#bytesNoted = typeof data === 'string' ? 0 : this.#bytesNoted + 1
    const text = typeof data === 'string' ? data.slice(0, SHOWN) : data.toString('latin1', 0, SHOWN)
    if (this.#bytesNoted < 3) this.#note(`sent ${data.length} B ${/^[ -~\r\n]+$/.test(text) ? JSON.stringify(text) : ''}`)
    if (this.#bytesNoted === 3) this.#note('sent more and more …')
  }

  #note(what: string): void {
    this.transcript.note(what)
  }
}

import { fail } from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, TLSSocket } from 'node:tls'
import { type Ending, type Response, ResponseParser } from './responses.js'
import { Records, tap } from './tls-tap.js'
import { Arrivals, deferred, pass, patience, within } from './wait.js'

export interface ClientOptions {
  /** Or the path of a unix domain socket. */
  port: number | string
  tls?: boolean | undefined
  /** Answer the server's FIN with ours at once, as most clients do (default). Off: stay until told otherwise. */
  obliging?: boolean | undefined
  /** Protocols to offer in the TLS handshake. */
  alpn?: readonly string[] | undefined
  /** The TLS handshake waits for this, once TCP is connected. */
  handshake?: Promise<unknown> | undefined
  /** What tls.connect() is told besides: a version, a session, a name. */
  secure?: ConnectionOptions | undefined
  /** Takes what comes in, where that is not HTTP/1. */
  reads?: ((chunk: Buffer) => void) | undefined
}

/** Sends exactly the bytes that it is told to, and notes everything that comes back and how the connection ended. */
export class Client {
  readonly answers = new Arrivals<Response>()
  readonly heads = new Arrivals<Response>()
  readonly interim = new Arrivals<Response>()
  readonly parser: ResponseParser
  /** How the server's output ended: the first of FIN and reset. */
  ending: Ending | undefined
  endedAt = 0
  /** TCP is over on our side: what is written now is lost. */
  gone = false
  readonly #records = new Records()
  readonly #began = Date.now()
  readonly #log: string[] = []
  readonly #ended = deferred<Ending>()
  readonly #goneAt = deferred<number>()
  #taken = 0
  readonly #finished = new Set<Socket>()
  #bytesNoted = 0

  private constructor(
    readonly raw: Socket,
    readonly stream: Socket,
    records: Records,
    private readonly obliging: boolean,
    reads?: (chunk: Buffer) => void,
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
    // What TLS has still to decrypt comes before the news that TCP is over.
    raw.on('close', () => (stream === raw || stream.closed ? over() : stream.once('close', over)))
  }

  static async open({ port, tls = false, obliging = true, alpn, handshake, secure, reads }: ClientOptions): Promise<Client> {
    const address = typeof port === 'string' ? { path: port } : { port, host: '127.0.0.1', noDelay: true }
    const raw = connectTcp({ ...address, allowHalfOpen: true })
    const records = new Records()
    if (handshake !== undefined) await within(Promise.all([once(raw, 'connect'), handshake]), () => `connect to ${port}`)
    const trust = { rejectUnauthorized: false, ...(alpn && { ALPNProtocols: [...alpn] }), ...secure }
    const stream = tls ? connectTls({ socket: tap(raw, records), ...trust }) : raw
    const ready = deferred<void>()
    stream.once(tls ? 'secureConnect' : 'connect', () => ready.resolve())
    const refused = new Promise<never>((_, reject) => stream.once('error', reject))
    const client = new Client(raw, stream, records, obliging, reads)
    await within(Promise.race([ready.promise, refused]), () => `connect to ${port}`).catch((error: unknown) => {
      raw.destroy()
      throw error
    })
    refused.catch(() => {})
    return client
  }

  /** True once the bytes are in the kernel's hands, false if the connection was gone. Never throws. */
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

  /** A client that does not look at answers while it still has something to say. */
  async sendBeforeReading(...data: (string | Buffer)[]): Promise<boolean> {
    this.stream.pause()
    let sent = true
    for (const part of data) sent = sent && (await this.send(part))
    if (sent) this.stream.resume()
    return sent
  }

  /** Writes `chunk` over and over until `limit` bytes are taken, nothing is taken for `stall` ms, or the connection is gone. */
  async pour(
    chunk: string | Buffer,
    limit: number,
    stall = 1_000,
  ): Promise<{ taken: number; end: 'limit' | 'stalled' | 'gone' }> {
    let taken = 0
    while (taken < limit) {
      const sent = await within(this.send(chunk), () => 'stalled', stall).catch(() => undefined)
      if (sent === undefined) return { taken, end: 'stalled' }
      if (!sent) return { taken, end: 'gone' }
      taken += chunk.length
    }
    return { taken, end: 'limit' }
  }

  /** A slow reader, but a steady one: takes at most `rate` bytes/s for `ms`, then whatever comes. */
  async sip(rate: number, ms: number): Promise<void> {
    const began = Date.now()
    let taken = 0
    const look = () => {
      if (taken > (rate * (Date.now() - began)) / 1_000) this.stream.pause()
      else this.stream.resume()
    }
    const take = (chunk: Buffer) => {
      taken += chunk.length
      look()
    }
    this.stream.on('data', take)
    const timer = setInterval(look, 20)
    await Promise.race([pass(ms), this.#goneAt.promise])
    clearInterval(timer)
    this.stream.off('data', take).resume()
  }

  /** Our output ends (TLS: close_notify, then FIN); we go on reading. */
  fin(): void {
    this.#note('our FIN')
    this.stream.end()
  }

  reset(): void {
    this.#note('our RST')
    this.raw.resetAndDestroy()
  }

  /** Leaves without a trace. Where our FIN is on its way resetAndDestroy() would fail (EINVAL) and leak the handle; a unix socket has none. */
  vanish(): void {
    if (this.gone || this.raw.writableEnded || this.raw.remoteAddress === undefined) this.destroy()
    else this.reset()
  }

  /** Both halves at once, as a process that dies or a tab that is closed. */
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

  async take(count: number, ms = patience): Promise<Response[]> {
    const answers: Response[] = []
    while (answers.length < count) answers.push(await this.next(ms))
    return answers
  }

  /** The head of response `index`, as soon as it is there. */
  head(index: number, ms = patience): Promise<Response> {
    return this.#orEnd(this.heads, index, `head ${index + 1}`, ms)
  }

  get first(): Response {
    return this.answers.list[0] ?? fail(`no answer yet\n${this}`)
  }

  get last(): Response {
    return this.answers.list.at(-1) ?? fail(`no answer yet\n${this}`)
  }

  /** Statuses of the whole answers so far, e.g. '200 200 400'. */
  get statuses(): string {
    return this.answers.list.map(({ status }) => status).join(' ')
  }

  closed(ms = patience): Promise<Ending> {
    return within(this.#ended.promise, () => `end of the connection\n${this}`, ms)
  }

  /** When the connection was gone in both directions, as far as this side can tell. */
  over(ms = patience): Promise<number> {
    return within(this.#goneAt.promise, () => `connection gone\n${this}`, ms)
  }

  /** What TLS knows of the connection. */
  get secured(): TLSSocket {
    return this.stream instanceof TLSSocket ? this.stream : fail('no TLS here')
  }

  /** Over TLS: the last thing the server said was an alert, hence close_notify. */
  get closeNotify(): boolean {
    return this.#records.endsInAlert
  }

  toString(): string {
    return ['what was seen:', ...this.#log, this.parser.garbage && `garbage: ${this.parser.garbage.slice(0, 200)}`].join('\n  ')
  }

  #orEnd(list: Arrivals<Response>, index: number, what: string, ms: number): Promise<Response> {
    const ended = Promise.race([this.#ended.promise, this.#goneAt.promise]).then(() => {
      const there = list.list[index]
      if (there === undefined) throw new Error(`the connection ended before ${what}\n${this}`)
      return there
    })
    return within(Promise.race([list.at(index), ended]), () => `${what}\n${this}`, ms)
  }

  /** Over TLS the end shows twice: as close_notify in the stream, as FIN beneath. */
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
    if (this.#bytesNoted < 3)
      this.#note(`sent ${data.length} B ${typeof data === 'string' ? JSON.stringify(data.slice(0, 40)) : ''}`)
    if (this.#bytesNoted === 3) this.#note('sent more and more …')
  }

  #note(what: string): void {
    if (this.#log.length < 60) this.#log.push(`${Date.now() - this.#began} ms ${what}`)
  }
}

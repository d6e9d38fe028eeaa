import { Client } from '../client.js'
import type { Ending } from '../responses.js'
import { Transcript } from '../transcript.js'
import { Arrivals, patience, within } from '../wait.js'
import { Answer } from './answer.js'
import { repliesTo, SendWindows } from './flow-control.js'
import {
  describeFrame,
  END_HEADERS,
  END_STREAM,
  errors,
  type Frame,
  type FrameOf,
  FrameParser,
  frame,
  PREFACE,
  settings,
  settingsFrame,
  uint32,
} from './frames.js'
import { encodeFields, type Fields } from './hpack.js'
import type { FrameClientOptions, RequestOptions } from './options.js'

/** The last stream id of the first of two GOAWAYs (RFC 9113 §6.8). */
const NOTICE = 2 ** 31 - 1

/** Speaks HTTP/2 frame by frame, and records every frame that arrives and how the connection ended. */
export class FrameClient {
  /** Frames that arrived, without notices. */
  readonly frames = new Arrivals<Frame>()
  /** GOAWAYs that name the last stream. */
  readonly goaways: FrameOf<'GOAWAY'>[] = []
  /** Notices: GOAWAYs that do not say yet which stream is the last. */
  readonly notices: FrameOf<'GOAWAY'>[] = []
  /** Answers by stream. */
  readonly answers = new Map<number, Answer>()
  /** Streams that were opened, in order. */
  readonly opened: number[] = []
  /** Whether to acknowledge frames and update the windows. */
  polite: boolean
  readonly #settings: readonly (readonly [number, number])[]
  /** Frames sent and received, with times. */
  readonly transcript = new Transcript(80)
  readonly #waiting = new Set<() => void>()
  readonly #windows = new SendWindows()
  #started = false
  #nextStream = 1

  private constructor(
    /** The connection below. */
    readonly connection: Client,
    private readonly options: FrameClientOptions,
  ) {
    this.polite = options.polite ?? true
    this.#settings = [[2, 0], ...(options.settings ?? [])]
  }

  /** Connects. Rejects if the server refuses, or the handshake fails. */
  static async open(options: FrameClientOptions): Promise<FrameClient> {
    let client: FrameClient | undefined
    const parser = new FrameParser((one) => client?.take(one))
    const early: Buffer[] = []
    const reads = (chunk: Buffer): void => void (client === undefined ? early.push(chunk) : client.#feed(parser, chunk))
    const connection = await Client.open({ ...options, reads, alpn: ['h2'] })
    client = new FrameClient(connection, options)
    // After the connection's own listeners, which record how it ended.
    for (const side of [connection.raw, connection.stream]) side.on('close', () => setImmediate(() => client?.wake()))
    for (const chunk of early) client.#feed(parser, chunk)
    if (options.preface !== false) client.start()
    return client
  }

  /** Sends the preface and SETTINGS. */
  start(): void {
    this.#started = true
    void this.send(PREFACE, settingsFrame(this.#settings))
    if (this.polite) for (const one of this.frames.list) this.#reply(one)
  }

  /** Resolves to true when the kernel has the bytes, to false if the connection was gone. Never throws. */
  send(...bytes: Buffer[]): Promise<boolean> {
    if (this.connection.stream.writableEnded) return Promise.resolve(false) // acknowledgements behind our own FIN
    return this.connection.send(Buffer.concat(bytes))
  }

  /** The frames of a request, for sending several at once. */
  request(path: string, { method = 'GET', fields = [], end = true }: RequestOptions = {}): { stream: number; bytes: Buffer } {
    const stream = this.#nextStream
    this.#nextStream += 2
    this.opened.push(stream)
    this.answers.set(stream, new Answer(stream))
    this.#windows.open(stream)
    const { scheme = 'http', authority = 'example' } = this.options
    const all: Fields = [[':method', method], [':scheme', scheme], [':authority', authority], [':path', path], ...fields]
    return { stream, bytes: frame('HEADERS', END_HEADERS | (end ? END_STREAM : 0), stream, encodeFields(all)) }
  }

  /** Opens a stream; returns its id. */
  ask(path: string, options?: RequestOptions): number {
    const { stream, bytes } = this.request(path, options)
    this.#note(`sent ${options?.method ?? 'GET'} ${path} on ${stream}`)
    void this.send(bytes)
    return stream
  }

  /** One whole exchange. */
  get(path: string): Promise<Answer> {
    return this.answer(this.ask(path))
  }

  /** Sends a DATA frame. */
  data(stream: number, body: string | Buffer, end = false): void {
    const bytes = Buffer.from(body)
    this.#windows.spend(stream, bytes.length)
    void this.send(frame('DATA', end ? END_STREAM : 0, stream, bytes))
  }

  /** Sends RST_STREAM. */
  cancel(stream: number, code = 8): void {
    void this.send(frame('RST_STREAM', 0, stream, uint32(code)))
  }

  /** Sends PING. */
  ping(data = 'halfclos'): void {
    void this.send(frame('PING', 0, 0, Buffer.from(data)))
  }

  /** Sends GOAWAY. */
  goaway(code = 0, last = 0): void {
    void this.send(frame('GOAWAY', 0, 0, Buffer.concat([uint32(last), uint32(code)])))
  }

  /** How much may be sent on a stream now. */
  window(stream: number): number {
    return this.#windows.left(stream)
  }

  /** The answer on a stream when it is whole. Fails if it was reset, or the connection ended. */
  async answer(stream: number, ms = patience): Promise<Answer> {
    const answer = await this.ended(stream, ms)
    if (!answer.whole) throw new Error(`stream ${stream} was not answered whole\n${this}`)
    return answer
  }

  /** The answer on a stream when it is whole, was reset, or the connection ended. */
  async ended(stream: number, ms = patience): Promise<Answer> {
    const answer = this.of(stream)
    const over = () => answer.whole || answer.reset !== undefined || this.connection.gone
    await this.until(over, `the end of stream ${stream}`, ms)
    return answer
  }

  /** The head of the answer on a stream. */
  async head(stream: number): Promise<Answer> {
    const answer = this.of(stream)
    await this.until(() => answer.status > 0 || this.connection.gone, `the head on stream ${stream}`)
    if (answer.status === 0) throw new Error(`the connection ended before the head on stream ${stream}\n${this}`)
    return answer
  }

  /** The answer on a stream so far. */
  of(stream: number): Answer {
    const answer = this.answers.get(stream)
    if (answer === undefined) throw new Error(`stream ${stream} was never opened`)
    return answer
  }

  /** The first frame of this type that passes the test, even one that arrived before. */
  async frame<T extends Frame['type']>(
    type: T,
    test: (frame: FrameOf<T>) => boolean = () => true,
    ms = patience,
  ): Promise<FrameOf<T>> {
    const find = () => this.all(type).find(test)
    await this.until(() => find() !== undefined || this.connection.gone, `a frame ${type}`, ms)
    const found = find()
    if (found === undefined) throw new Error(`the connection ended without a frame ${type}\n${this}`)
    return found
  }

  /** All frames of a type so far. */
  all<T extends Frame['type']>(type: T): FrameOf<T>[] {
    return this.frames.list.filter((one): one is FrameOf<T> => one.type === type)
  }

  /** How the server's output ended. */
  closed(ms = patience): Promise<Ending> {
    return within(this.connection.closed(ms), () => `the end of the connection\n${this}`, ms)
  }

  /** Tests whenever something has arrived. */
  async until(test: () => boolean, what: string, ms = patience): Promise<void> {
    const looked = new Promise<void>((resolve) => {
      const look = (): void => {
        if (!test()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
    await within(looked, () => `${what}\n${this}`, ms)
  }

  /** The transcript, for error messages. */
  toString(): string {
    return ['frames:', `${this.transcript}`, this.connection.toString()].join('\n  ')
  }

  /** Lets every waiting until() look again. */
  wake(): void {
    for (const look of this.#waiting) look()
  }

  /** Handles a frame that arrived. */
  take(one: Frame): void {
    this.#note(`received ${describeFrame(one)}`)
    this.#account(one)
    if (this.polite && this.#started) this.#reply(one)
    // A notice does not say which stream was the last, so code that waits for a GOAWAY does not get it.
    if (one.type === 'GOAWAY' && one.last === NOTICE && one.code === errors.NO_ERROR) this.notices.push(one)
    else if (one.type !== 'DATA' || this.options.bodies !== false) this.frames.push(one)
    if (one.type === 'GOAWAY' && one.last !== NOTICE) this.goaways.push(one)
    this.wake()
  }

  /** Input that is no HTTP/2 makes the client end the connection. */
  #feed(parser: FrameParser, chunk: Buffer): void {
    if (this.connection.gone) return
    try {
      parser.feed(chunk)
    } catch (error) {
      this.#note(`received what is no HTTP/2: ${error}`)
      this.connection.destroy()
    }
  }

  #account(one: Frame): void {
    const answer = this.answers.get(one.stream)
    if (one.type === 'SETTINGS' && !one.ack) this.#windows.resize(one.settings.get(settings.INITIAL_WINDOW_SIZE))
    if (one.type === 'WINDOW_UPDATE') this.#windows.grow(one.stream, one.increment)
    if (answer === undefined) return
    if (one.type === 'HEADERS') {
      const status = Number(one.fields.find(([name]) => name === ':status')?.[1] ?? 0)
      if (status >= 200) [answer.status, answer.fields] = [status, one.fields]
    }
    if (one.type === 'DATA' && this.options.bodies !== false) answer.chunks.push(one.data)
    if (one.type === 'RST_STREAM' && !answer.whole) answer.reset = one.code
    if ((one.type === 'HEADERS' || one.type === 'DATA') && one.end) answer.whole = true
    if (answer.whole || answer.reset !== undefined) answer.endedAt ||= one.at
  }

  #reply(one: Frame): void {
    const bytes = repliesTo(one)
    if (bytes.length > 0) void this.send(...bytes)
  }

  #note(what: string): void {
    this.transcript.note(what.slice(0, 200))
  }
}

import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  encodeFields,
  errors,
  type Frame,
  FrameParser,
  frame,
  PREFACE,
  settingsFrame,
  uint32,
} from 'halfclose-probe/wire'
import { type Shared, times } from './faults.js'
import { afterPoll } from './input.js'

const FRAME_SIZE_ERROR = 6
/** A client that sends more PINGs or resets than this has sent too many. */
const ENOUGH = 500

/** One session of HTTP/2: each method keeps a rule, unless the server's faults name it. */
export class Http2 {
  #last = 0
  #controls = 0
  #open = new Set<number>()
  #queue: Promise<void> = Promise.resolve()
  #ending = false
  #hangs = false
  #idleTimer: NodeJS.Timeout | undefined

  constructor(
    private readonly raw: Socket,
    private readonly stream: Duplex,
    private readonly shared: Shared,
    begun: Buffer,
  ) {
    let preface = PREFACE.length
    const parser = new FrameParser((one) => this.#take(one))
    this.#send(settingsFrame([]))
    const feed = (chunk: Buffer) => {
      const skipped = Math.min(preface, chunk.length)
      preface -= skipped
      parser.feed(chunk.subarray(skipped))
      this.#armIdle()
    }
    stream.on('data', feed)
    stream.on('error', () => {})
    stream.on('end', () => this.#clientEnded())
    stream.on('close', () => this.#over())
    shared.onStop.add(this.#stop)
    this.#armIdle()
    if (begun.length > 0) feed(begun)
  }

  #breaks(id: string): boolean {
    return this.shared.faults.has(id)
  }

  #send(...bytes: Buffer[]): void {
    if (!this.stream.destroyed && !this.stream.writableEnded) this.stream.write(Buffer.concat(bytes))
  }

  #take(one: Frame): void {
    if (this.#ending && one.type !== 'HEADERS') return
    if (one.type === 'SETTINGS' && !one.ack) this.#send(frame('SETTINGS', ACK, 0))
    if (one.type === 'PING' && !one.ack) this.#ping(one.data)
    if (one.type === 'RST_STREAM') this.#count('a/h2-reset-flood')
    if (one.type === 'GOAWAY' && this.#breaks('a/h2-client-goaway')) this.stream.destroy()
    if (one.type === 'HEADERS' && !this.#ending)
      this.#request(one.stream, one.fields.find(([name]) => name === ':path')?.[1] ?? '/')
  }

  #ping(data: Buffer): void {
    if (data.length !== 8) this.#error(FRAME_SIZE_ERROR, 'a/h2-error-closes')
    else this.#count('a/h2-ping-flood')
    if (data.length === 8 && !this.#breaks('a/h2-ping')) this.#send(frame('PING', ACK, 0, data))
  }

  #count(flood: string): void {
    if (++this.#controls === ENOUGH && !this.#breaks(flood)) this.#error(errors.ENHANCE_YOUR_CALM, undefined)
  }

  #request(stream: number, path: string): void {
    this.#last = stream
    this.#open.add(stream)
    const ms = path.startsWith('/slow')
      ? Number(/ms=(\d+)/.exec(path)?.[1] ?? 300)
      : this.#breaks('a/h2-half-closed') || this.#breaks('a/h2-client-goaway')
        ? 50
        : 0
    const answer = async () => {
      if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms))
      this.#answer(stream)
    }
    if (this.#breaks('b/h2-concurrent')) this.#queue = this.#queue.then(answer)
    else void answer()
  }

  #answer(stream: number): void {
    this.#send(
      frame('HEADERS', END_HEADERS, stream, encodeFields([[':status', '200']])),
      frame('DATA', END_STREAM, stream, Buffer.from('halfclose')),
    )
    this.#open.delete(stream)
    if (this.#ending && this.#open.size === 0) this.#close()
  }

  #error(code: number, stays: string | undefined): void {
    this.#goaway(code, this.#breaks('a/h2-goaway-last-stream') ? 0 : this.#last)
    this.#ending = true
    if (stays === undefined || !this.#breaks(stays)) this.#close()
    else this.#hangs = true
  }

  #goaway(code: number, last: number): void {
    this.#send(frame('GOAWAY', 0, 0, Buffer.concat([uint32(last), uint32(code)])))
  }

  /** The client's FIN: its streams are answered, then the session ends. */
  #clientEnded(): void {
    if (this.#breaks('a/h2-half-closed')) this.stream.destroy()
    else this.#leave()
  }

  #leave(): void {
    this.#ending = true
    if (this.#open.size === 0) this.#close()
  }

  #armIdle(): void {
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(async () => {
      const last = this.#last
      await afterPoll()
      if (this.#hangs) return
      if (this.#last !== last || this.#open.size > 0) return this.#armIdle()
      if (!this.#breaks('a/h2-idle-goaway')) this.#goaway(errors.NO_ERROR, this.#last)
      this.#leave()
    }, times.hold)
  }

  #stop = (): void => {
    if (!this.#breaks('c/h2-goaway')) this.#goaway(errors.NO_ERROR, this.#last)
    if (this.#breaks('c/h2-in-flight') && this.#open.size > 0) this.stream.destroy()
    this.#leave()
  }

  #close(): void {
    this.stream.end()
    setTimeout(() => this.raw.destroy(), times.bound).unref()
  }

  #over(): void {
    clearTimeout(this.#idleTimer)
    this.shared.onStop.delete(this.#stop)
    this.raw.destroy()
  }
}

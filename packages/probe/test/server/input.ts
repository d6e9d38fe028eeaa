import type { Duplex } from 'node:stream'

/** How a wait for input ended. */
export type Got<T> = T | 'late' | 'end'

/** Bytes that are held at most. */
const MOST = 256 * 1024

/** What a client has sent and the server has not yet taken. Reading stops while much is there. */
export class Input {
  #buffer: Buffer = Buffer.alloc(0)
  #changed: () => void = () => {}
  /** The client's FIN, or the end of the connection. */
  ended = false
  /** The connection is gone in both directions. */
  gone = false
  /** Called whenever bytes came. */
  onBytes: () => void = () => {}

  constructor(private readonly stream: Duplex) {
    stream.on('data', (chunk: Buffer) => {
      this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk])
      if (this.#buffer.length > MOST) stream.pause()
      this.onBytes()
      this.#changed()
    })
    stream.on('end', () => this.#end(false))
    stream.on('error', () => this.#end(true))
    stream.on('close', () => this.#end(true))
  }

  get length(): number {
    return this.#buffer.length
  }

  /** What is there, without taking it. */
  peek(bytes = this.#buffer.length): string {
    return this.#buffer.toString('latin1', 0, bytes)
  }

  take(bytes: number): Buffer {
    const taken = this.#buffer.subarray(0, bytes)
    this.#buffer = this.#buffer.subarray(bytes)
    if (this.#buffer.length <= MOST && !this.gone) this.stream.resume()
    return taken
  }

  /** Waits until `ready` has something, the input has ended, or it is `due()`. After that time it looks at the input once more. */
  async wait<T>(ready: () => T | undefined, due: () => number): Promise<Got<T>> {
    for (;;) {
      const found = ready()
      if (found !== undefined) return found
      if (this.ended || this.gone) return 'end'
      const left = due() - Date.now()
      if (left <= 0) {
        await afterPoll()
        if (ready() === undefined && due() <= Date.now()) return 'late'
      } else await this.change(left)
    }
  }

  /** Something came, or `ms` have passed. */
  change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.min(ms, 2 ** 30)).unref()
      this.#changed = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  /** All that came; from now on it comes to another reader. */
  release(): Buffer {
    this.stream.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
    return this.take(this.#buffer.length)
  }

  /** Lets a wait look at its time again. */
  poke(): void {
    this.#changed()
  }

  #end(gone: boolean): void {
    this.ended = true
    this.gone ||= gone
    this.onBytes()
    this.#changed()
  }
}

/** Timers run before input: two turns later the kernel has been asked. */
export async function afterPoll(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}

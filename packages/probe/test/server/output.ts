import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Shared, times } from './faults.js'
import type { Input } from './input.js'

/** What a server writes, and how it ends. */
export class Output {
  /** The first two answers change places. */
  swaps = false
  /** The end is a FIN beneath TLS, and no close_notify. */
  withoutNotify = false
  #held: string | undefined

  constructor(
    private readonly raw: Socket,
    private readonly stream: Duplex,
    private readonly shared: Shared,
  ) {}

  /** False where the client does not take it in time: then the connection is reset. */
  async write(data: string | Buffer): Promise<boolean> {
    if (this.stream.destroyed || this.stream.writableEnded) return false
    if (this.stream.write(data, () => {})) return true
    const forever = ['a/stalled-reader-let-go', 'c/stalled-reader'].some((id) => this.shared.faults.has(id))
    const taken = await new Promise<boolean>((resolve) => {
      const timer = forever ? undefined : setTimeout(() => done(false), times.bound)
      const done = (ok: boolean) => {
        clearTimeout(timer)
        this.stream.off('drain', drained).off('close', closed)
        resolve(ok)
      }
      const drained = () => done(true)
      const closed = () => done(false)
      this.stream.on('drain', drained).on('close', closed)
    })
    if (!taken && this.shared.faults.has('a/tls-cut-shows')) this.#endAsIfWhole()
    else if (!taken) this.raw.resetAndDestroy()
    return taken
  }

  /** Half an answer that looks like a whole one, and a clean end. */
  #endAsIfWhole(): void {
    this.stream.end('HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n\r\n')
  }

  answer(head: string, body: string, method: string): Promise<boolean> {
    if (!this.swaps) return this.write(head + body)
    if (method === 'GET' && this.#held === undefined) {
      this.#held = head + body
      return Promise.resolve(true)
    }
    const [first, second] = [head + body, this.#held ?? '']
    this.swaps = false
    return this.write(first + second)
  }

  /** Output first: FIN (over TLS close_notify before it), then what the client still sends is read and dropped until it has closed. */
  async end(input: Input): Promise<void> {
    if (this.withoutNotify) this.stream.write('', () => this.raw.end())
    else this.stream.end()
    const sent = () => this.raw.writableFinished || this.raw.destroyed
    for (let until = Date.now() + times.bound; !(input.ended && sent()) && Date.now() < until; ) {
      if (input.take(input.length).length > 0) until = Date.now() + times.bound
      await input.change(input.ended ? 10 : until - Date.now())
    }
    if (!this.withoutNotify) this.stream.destroy()
    this.raw.destroy()
  }
}

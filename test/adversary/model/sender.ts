import { setImmediate as turn } from 'node:timers/promises'
import type { Client } from '../../support/client.js'
import type { Application } from './application.js'
import { modeFor } from './facts.js'
import type { Model } from './model.js'
import type { Command, Wish } from './script.js'
import { cutOf, type Wire, wireOf } from './wire.js'

/** Puts requests on the wire, whole and in parts, and tells the model. */
export class Sender {
  /** How many bytes the server must read, whatever else it leaves unread. */
  mustRead = 0
  #missing: { wish: Wish; id: string; wire: Wire; at: number } | undefined
  #count = 0
  #sent = 0
  readonly #model: Model
  readonly #app: Application
  readonly #client: Client

  constructor(model: Model, app: Application, client: Client) {
    this.#model = model
    this.#app = app
    this.#client = client
  }

  /** A request has begun that is not whole. */
  get amid(): boolean {
    return this.#missing !== undefined
  }

  async rest(): Promise<void> {
    const heard = !this.#model.blind
    const bytes = this.#restBytes()
    if (heard) this.mustRead = this.#sent + bytes.length
    await this.#write(bytes, 1)
  }

  async send({ wishes, part, pieces }: Extract<Command, { do: 'send' }>): Promise<void> {
    const model = this.#model
    // From sixteen that wait on nothing more is read (packages/core/src/http1/pause-reading.ts).
    if (model.waiting.length > 10) return
    const before = this.#sent
    const heardRest = !model.blind
    let bytes = this.#restBytes()
    if (heardRest) this.mustRead = before + bytes.length
    let busy = model.current !== undefined
    for (const [index, given] of wishes.entries()) {
      if (model.tunnels) {
        const text = `tunnel ${this.#count++};`
        model.tunnelled += text
        bytes = Buffer.concat([bytes, Buffer.from(text)])
        break
      }
      busy ||= given.plan === 'held'
      // Nobody reads the body of a request that waits: it must not fill the buffers.
      const heard = !model.blind
      const wish = { ...given, size: busy ? Math.min(given.size, 900) : given.size }
      const id = `r${this.#count++}`
      const wire = wireOf(id, wish)
      const at = index === wishes.length - 1 ? cutOf(wire, part) : wire.bytes.length
      this.#app.plans.set(id, wish.plan === 'held' || wish.plan === 'read' ? wish.plan : modeFor(wish, wish.plan))
      bytes = Buffer.concat([bytes, wire.bytes.subarray(0, at)])
      if (at < wire.bytes.length) this.#missing = { wish, id, wire, at }
      if (at < wire.head) model.arriveHalf()
      else this.#arrive(wish, id, wire, at === wire.bytes.length)
      if (heard) this.mustRead = before + bytes.length
    }
    await this.#write(bytes, pieces)
  }

  #arrive(wish: Wish, id: string, wire: Wire, complete: boolean): void {
    if (this.#model.over === undefined) this.#client.parser.methods.push(wire.method)
    this.#model.arrive({ ...wish, id }, complete)
  }

  #restBytes(): Buffer {
    const rest = this.#missing
    this.#missing = undefined
    if (rest === undefined) return Buffer.alloc(0)
    if (rest.at < rest.wire.head) this.#arrive(rest.wish, rest.id, rest.wire, true)
    else this.#model.bodyDone()
    return rest.wire.bytes.subarray(rest.at)
  }

  async bad(): Promise<void> {
    if (this.#model.tunnels || (this.#missing !== undefined && (this.#missing.wish.kind !== 'chunked' || this.#model.halfHead)))
      return
    const text = this.#missing === undefined ? 'this is not HTTP\r\n\r\n' : 'zz\r\n'
    this.#missing = undefined
    if (!this.#model.blind) this.mustRead = this.#sent + text.length
    this.#model.broken()
    await this.#write(Buffer.from(text), 1)
  }

  async #write(bytes: Buffer, pieces: number): Promise<void> {
    const size = Math.max(1, Math.ceil(bytes.length / pieces))
    for (let at = 0; at < bytes.length; at += size) {
      void this.#client.send(bytes.subarray(at, at + size))
      if (pieces > 1) await turn()
    }
    this.#sent += bytes.length
  }
}

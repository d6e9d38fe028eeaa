import type { IncomingMessage, ServerResponse } from 'node:http'
import { connectionsOf } from '../handle/connections-of.js'
import { clearInterval, setInterval } from '../node/real-timers.js'
import type { Connections } from '../types.js'
import type { Frame } from './drain-record.js'
import { Timeline } from './timeline.js'

/** Milliseconds between two frames. */
const EVERY = 1_000
/** How many pages may be open at once. */
const AT_MOST = 20
/** A page that takes none of so many frames in a row has gone without a word, and makes room for others. */
const MISSED = 30
/** Milliseconds before now that are shown while there is no drain. */
const WINDOW = 60_000

/** The event streams of open pages: all get the same frame, once a second. Without a page there are no looks. */
export class Streams {
  readonly #connections: Connections
  /** How many frames in a row each has not taken. */
  readonly #open = new Map<ServerResponse, number>()
  readonly #timeline: Timeline
  readonly #every: number
  #timer: NodeJS.Timeout | undefined

  constructor(connections: Connections, every = EVERY) {
    this.#connections = connections
    this.#every = every
    this.#timeline = new Timeline(connections)
    connections.on('state', (event) => {
      this.#timeline.mark(event)
      this.#send()
      if (event.state === 'drained') for (const res of this.#open.keys()) res.end()
    })
  }

  open(req: IncomingMessage, res: ServerResponse, headers: Record<string, string>): void {
    if (this.#open.size >= AT_MOST) {
      res.writeHead(503, headers).end()
      return
    }
    // Over HTTP/2 this is one stream, and ends with its session.
    res.writeHead(200, { ...headers, 'Content-Type': 'text/event-stream' })
    if (req.method === 'HEAD') {
      res.end()
      return
    }
    this.#open.set(res, 0)
    res.on('close', () => this.#closed(res))
    if (this.#timer === undefined) {
      this.#timeline.watch()
      this.#timer = setInterval(() => this.#send(), this.#every).unref()
    }
    this.#send()
    // If a policy governs the page's own server, an open page must not hold up its drain. That policy may be another handle's.
    const server: unknown = Reflect.get(req.socket, 'server')
    const signal = typeof server === 'object' && server !== null ? connectionsOf(server)?.signal : undefined
    if (signal === undefined) return
    const end = () => res.end()
    signal.addEventListener('abort', end)
    res.on('close', () => signal.removeEventListener('abort', end))
    if (signal.aborted) end()
  }

  #send(): void {
    if (this.#open.size === 0) return
    this.#timeline.look()
    const event = `data: ${JSON.stringify(this.#frame())}\n\n`
    for (const [res, missed] of this.#open) {
      if (res.writableEnded) continue
      // A page that does not read gets a later frame.
      if (!res.writableNeedDrain) res.write(event)
      else if (missed >= MISSED) res.destroy()
      this.#open.set(res, res.writableNeedDrain ? missed + 1 : 0)
    }
  }

  #frame(): Frame {
    const { state } = this.#connections
    const remaining = state === 'serving' ? null : Math.round(this.#connections.remaining())
    const { open, connections, requests } = this.#connections.stats()
    const summary = `${connections.opened - connections.closed} open, ${connections.closed} closed; ${requests.finished} requests answered, ${requests.cut} cut`
    return { state, remaining, open, record: this.#timeline.record('Connections', summary, WINDOW) }
  }

  #closed(res: ServerResponse): void {
    this.#open.delete(res)
    if (this.#open.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#timeline.unwatch()
  }
}

import { textOf } from '../events/logger.js'
import type { Intercept } from '../http/messages.js'
import { clearTimeout, setTimeout } from '../node/real-timers.js'
import type { Connections } from '../types.js'
import type { Readiness } from './readiness-options.js'

/** The response to a probe. */
export interface ReadinessAnswer {
  /** 200, or 503. */
  readonly status: 200 | 503
  /** The fields, with Content-Type and Content-Length. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

/** The answer to a readiness probe: 200 while serving, else 503 with Retry-After: the seconds until this server is gone, at least 1. `checked`: the application's own answer. */
export function readinessAnswer(connections: Connections, checked = true): ReadinessAnswer {
  const { state } = connections
  const ready = connections.ready && checked
  const body = JSON.stringify({ ready, state })
  if (ready) return { status: 200, headers: headersFor(body), body }
  const seconds = Math.ceil(connections.remaining() / 1_000)
  const headers = { ...headersFor(body), 'Retry-After': String(Number.isFinite(seconds) ? Math.max(1, seconds) : 1) }
  return { status: 503, headers, body }
}

/** The answer to a liveness probe: the process answers, in whatever state it is. */
export function livenessAnswer(): ReadinessAnswer {
  const body = '{"alive":true}'
  return { status: 200, headers: headersFor(body), body }
}

function headersFor(body: string): Record<string, string> {
  return {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
  }
}

/** The application's own answer about its readiness, while it serves. */
export class Check {
  readonly #readiness: Readiness
  readonly #connections: () => Connections
  readonly #changed: (ready: boolean, why: string) => void
  #running: Promise<boolean> | undefined
  #wasReady = true

  /** `changed` is called when the answer has changed. */
  constructor(readiness: Readiness, connections: () => Connections, changed: (ready: boolean, why: string) => void) {
    this.#readiness = readiness
    this.#connections = connections
    this.#changed = changed
  }

  /** The answer; a promise only if the application has to be asked. */
  answer(): ReadinessAnswer | Promise<ReadinessAnswer> {
    const connections = this.#connections()
    if (this.#readiness.check === undefined || !connections.ready) return readinessAnswer(connections)
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running.then((checked) => readinessAnswer(connections, checked))
  }

  async #run(): Promise<boolean> {
    const { check, timeout } = this.#readiness
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, timeout, `no answer within ${timeout} ms`)
    })
    // A later rejection is ignored.
    const said = (async () => check?.())().then(
      (value) => (value === false ? 'false' : undefined),
      (error: unknown) => (error instanceof Error ? error.message : textOf(error)),
    )
    const why = await Promise.race([said, late])
    clearTimeout(timer)
    const ready = why === undefined
    if (ready !== this.#wasReady) this.#changed(ready, why ?? '')
    this.#wasReady = ready
    return ready
  }
}

/** Answers a request for one of the routes. Returns whether it was one. It runs before every request, so it allocates nothing for others. */
export function interceptProbes(
  readiness: string | undefined,
  check: Check | undefined,
  liveness: string | undefined,
): Intercept {
  return (req, res) => {
    const { url, method } = req
    if (url === undefined || (method !== 'GET' && method !== 'HEAD')) return false
    const asksReady = readiness !== undefined && isFor(url, readiness)
    if (!asksReady && (liveness === undefined || !isFor(url, liveness))) return false
    const answer = (told: ReadinessAnswer): void => {
      res.writeHead(told.status, told.headers)
      res.end(told.body)
    }
    const told = asksReady && check !== undefined ? check.answer() : livenessAnswer()
    if (told instanceof Promise) void told.then(answer)
    else answer(told)
    return true
  }
}

function isFor(target: string, path: string): boolean {
  // Drops scheme and host, which a proxy may send and every server must accept (RFC 9112 §3.2.2).
  const url = target[0] === '/' ? target : target.replace(/^https?:\/\/[^/?]*/i, '')
  return url.startsWith(path) && (url.length === path.length || url[path.length] === '?')
}

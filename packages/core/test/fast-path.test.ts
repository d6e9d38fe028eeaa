import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Counts, Events } from '../src/events/events.js'
import type { ServerState } from '../src/events/types.js'
import { Connection, type Exchange } from '../src/http1/connection.js'
import { NOTHING } from '../src/http1/connection-header.js'
import { beginExchange } from '../src/http1/exchange.js'
import { decide, isAskedToClose, isKeptPlainly } from '../src/http1/persist-or-close.js'
import { Timers } from '../src/node/timers.js'
import { parseOptions } from '../src/options/parse.js'
import type { Options } from '../src/options/types.js'
import { ConnectionLimits } from '../src/server/connection-limits.js'
import { DescriptorPressure } from '../src/server/descriptor-pressure.js'
import { GovernedServer } from '../src/server/governed-server.js'

// Nearly every response takes one of two short ways past closeReason(). Each combination of what is known then is made here, of Node's own objects: where a
// short way decides, the long way says the same.

const POLICIES: readonly Options[] = [
  {},
  { keepAlive: { maxRequests: 2 } },
  { keepAlive: { maxAge: 1_000, parameters: { pod: 'a1' } } },
  { keepAlive: { http10: 'ignore' } },
  { keepAlive: { http10: 'refuse' } },
  { keepAlive: false },
]
const PHASES: readonly ServerState[] = ['serving', 'leaving', 'draining', 'drained']
const LENGTHS: readonly Readonly<Record<string, string>>[] = [
  {},
  { 'content-length': '3' },
  { 'transfer-encoding': 'chunked' },
  { 'content-length': '3', 'transfer-encoding': 'chunked' },
]
const NAMED: readonly (string | undefined)[] = [undefined, 'close', 'keep-alive', 'close, keep-alive', 'upgrade']

interface Request {
  readonly minor: number
  readonly headers: Readonly<Record<string, string>>
  /** The parser's verdict. */
  readonly persists: boolean
  /** It has come as a whole, with these trailers. */
  readonly complete: boolean
  readonly trailer: string | undefined
}

function* requests(): Iterable<Request> {
  for (const minor of [0, 1])
    for (const length of LENGTHS)
      for (const named of NAMED)
        for (const expects of [false, true])
          for (const persists of [false, true])
            for (const [complete, trailer] of [
              [false, undefined] as const,
              [true, undefined] as const,
              [true, 'close'] as const,
            ]) {
              const connection = named === undefined ? {} : { connection: named }
              const expect = expects ? { expect: '100-continue' } : {}
              yield { minor, headers: { host: 'a', ...length, ...connection, ...expect }, persists, complete, trailer }
            }
}

function exchangeOf(connection: Connection, request: Request): Exchange {
  const req = new IncomingMessage(connection.socket)
  req.method = 'POST'
  req.httpVersionMajor = 1
  req.httpVersionMinor = request.minor
  req.headers = { ...request.headers }
  req.complete = request.complete
  if (request.trailer !== undefined) req.trailers = { connection: request.trailer }
  const res = new ServerResponse(req)
  res.shouldKeepAlive = request.persists
  return beginExchange(connection, req, res, 0)
}

/** What sets a connection apart. */
const KINDS: readonly ((connection: Connection) => void)[] = [
  () => {},
  (connection) => {
    connection.inputEnded = true
  },
  (connection) => {
    connection.excess = true
  },
  (connection) => {
    connection.makeRare().expiresAt = 0
  },
  (connection) => {
    connection.makeRare().expiresAt = Number.MAX_SAFE_INTEGER
  },
  (connection) => {
    connection.makeRare().unlisted = true
  },
]

test('the short ways past closeReason() say what it says, whatever is put together', () => {
  let kept = 0
  let closed = 0
  let all = 0
  for (const options of POLICIES) {
    const governed = governedBy(options)
    const { keepAlive } = governed.policy
    for (const phase of PHASES)
      for (const kind of KINDS)
        for (const count of [1, 2])
          for (const request of requests()) {
            governed.phase = phase
            const connection = new Connection(new Socket(), undefined, governed, 0, Number.POSITIVE_INFINITY)
            kind(connection)
            connection.requests = count
            const exchange = exchangeOf(connection, request)
            const reason = decide(exchange, NOTHING)
            const isKept = keepAlive !== false && isKeptPlainly(exchange, keepAlive)
            const isClosed = isAskedToClose(exchange)
            all++
            if (isKept) kept++
            if (isClosed) closed++
            const where = { keepAlive, phase, count, request, kind: KINDS.indexOf(kind) }
            if (isKept && reason !== undefined) throw new Error(`kept, but ${reason}: ${JSON.stringify(where)}`)
            if (isClosed && reason !== 'client-close')
              throw new Error(`closed by the client, but ${reason}: ${JSON.stringify(where)}`)
            // A plain request on a plain connection of a server that serves: the short way finds all that persist.
            const isPlain = phase === 'serving' && connection.hasNoRareFields && !exchange.isSpecial
            if (isPlain && !isKept && reason === undefined) throw new Error(`not kept, but persists: ${JSON.stringify(where)}`)
          }
  }
  expect(all).toBe(6 * 4 * 6 * 2 * 480)
  expect(kept).toBeGreaterThan(300)
  expect(closed).toBeGreaterThan(500)
})

function governedBy(options: Options): GovernedServer {
  const { policy } = parseOptions(options, { keepAliveTimeout: 5_000, maxRequestsPerSocket: 0 })
  const events = new Events(undefined)
  const counts = new Counts()
  const limits = new ConnectionLimits(policy, counts, new DescriptorPressure(() => [], events))
  const timers = new Timers(() => {})
  return new GovernedServer(createServer(), policy, { events, counts, limits, timers, intercept: undefined })
}

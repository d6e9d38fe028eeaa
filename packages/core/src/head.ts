import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import type { Connection } from './connection.js'
import { type Exchange, exchangeOf } from './exchange.js'
import { isForAllRecipients } from './hop-by-hop.js'
import {
  announceClose,
  bodyLength,
  declaredLength,
  hasBody,
  isLast,
  refusesBody,
  removedConnection,
  setPrintedKeepAlive,
} from './node-private.js'
import { closeReason, goesOn, keepAliveField, promiseFor } from './policy.js'
import { parseConnection } from './tokens.js'
import type { CloseReason, KeepAlivePolicy } from './types.js'

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

/** What the application itself said of the connection in this head. */
interface Said {
  connection: string | undefined
  keepAlive: boolean
  transferEncoding: string | undefined
  upgrade: boolean
}

/**
 * `res.writeHead` of a governed response. Every head passes here, also the implicit ones of write() and end(): here, from the
 * newest facts, it is decided whether the connection persists, and nothing the application set overrules a close.
 */
export function writeHead(this: ServerResponse, status: number, reason?: string | Headers, fields?: Headers): ServerResponse {
  const exchange = exchangeOf(this)
  const prior: ServerResponse['writeHead'] = Object.getPrototypeOf(this).writeHead
  if (exchange === undefined || exchange.headWritten || (status >= 100 && status < 200)) {
    return Reflect.apply(prior, this, [status, reason, fields])
  }
  const { connection } = exchange
  const given = typeof reason === 'string' ? fields : (fields ?? reason)
  const said = whatWasSaid(this, given)
  const framed = frame(exchange, given, said, status)
  const ending = decide(exchange, said)
  const { keepAlive } = connection.site.policy
  const persists = ending === undefined
  let headers = framed
  if (this.shouldKeepAlive !== persists) this.shouldKeepAlive = persists
  if (exchange.http10) prepareHttp10(this, status, ending)
  if (!persists || keepAlive === false) {
    connection.promised = 0
    if (isSpokenFor(this, said)) headers = withConnection(this, framed, said, 'close', '')
  } else {
    const promise = promiseFor(keepAlive, connection.site.keepable())
    connection.promised = promise
    if (isSpokenFor(this, said) || needsExplicitField(keepAlive, promise)) {
      const field = keepAliveField(keepAlive, promise, connection.requests)
      headers = withConnection(this, framed, said, 'keep-alive', field)
    } else {
      setPrintedKeepAlive(this, promise, keepAlive.maxRequests === false ? 0 : keepAlive.maxRequests - connection.requests)
    }
  }
  // Each with a list of its own: only then does V8 make a plain call of it.
  if (typeof reason === 'string') Reflect.apply(prior, this, [status, reason, headers])
  else Reflect.apply(prior, this, [status, headers])
  settle(exchange, ending)
  return this
}

/**
 * Takes out what contradicts the framing: a Content-Length beside a Transfer-Encoding (RFC 9112 §6.2), both in a 204 (RFC 9110 §8.6), and
 * Transfer-Encoding towards HTTP/1.0 (RFC 9112 §6.1).
 */
function frame({ res, http10 }: Exchange, given: Headers | undefined, said: Said, status: number): Headers | undefined {
  let kept = given
  if (said.transferEncoding !== undefined && (status === 204 || http10)) {
    if (res.hasHeader('transfer-encoding')) res.removeHeader('Transfer-Encoding')
    kept = without(kept, 'transfer-encoding')
    said.transferEncoding = undefined
  }
  if (status === 204 || said.transferEncoding !== undefined) {
    if (res.hasHeader('content-length')) res.removeHeader('Content-Length')
    kept = without(kept, 'content-length')
  }
  return kept
}

function without(given: Headers | undefined, unwanted: string): Headers | undefined {
  if (given === undefined) return undefined
  if (!Array.isArray(given)) {
    return Object.fromEntries(Object.entries(given).filter(([name]) => name.toLowerCase() !== unwanted))
  }
  if (Array.isArray(given[0])) return given.filter((entry) => !Array.isArray(entry) || entry[0]?.toLowerCase() !== unwanted)
  return given.filter((_, index) => String(given[index - (index % 2)]).toLowerCase() !== unwanted)
}

function decide(exchange: Exchange, said: Said): CloseReason | undefined {
  const { connection, req, res, http10, parserPersists } = exchange
  const { site, requests, inputEnded } = connection
  const { keepAlive } = site.policy
  const { wrongLength } = exchange
  const silent = said.connection === undefined && said.transferEncoding === undefined && res.shouldKeepAlive && !refusesBody(res)
  const steady = site.phase === 'serving' && connection.expiresAt === Number.POSITIVE_INFINITY
  if (goesOn(keepAlive, exchange.plain, silent, steady, wrongLength, inputEnded, requests)) return undefined
  return closeReason(
    keepAlive,
    {
      http10,
      parserPersists,
      askedClose: exchange.askedClose,
      askedKeepAlive: exchange.askedKeepAlive,
      handlerCloses: (parserPersists && !res.shouldKeepAlive) || parseConnection(said.connection).close,
      refusesBody: refusesBody(res),
      unframed: said.transferEncoding !== undefined && !/(?:^|,)[ \t]*chunked[ \t]*$/i.test(said.transferEncoding),
      faultyFraming: http10 && req.headers['transfer-encoding'] !== undefined,
      wrongLength,
      requests,
      expiresAt: connection.expiresAt,
      excess: connection.excess,
      inputEnded: inputEnded && connection.waiting === undefined,
      phase: site.phaseFor(connection.openedAt),
      left: site.left(),
      owesMore: owesMore(connection),
    },
    // The clock is read only where something depends on it.
    connection.expiresAt === Number.POSITIVE_INFINITY ? 0 : performance.now(),
    Math.random,
  )
}

function owesMore({ waiting, site }: Connection): boolean {
  const first = waiting?.[0]
  return first !== undefined && site.run !== undefined && first.arrived < site.run.began
}

/** Whether Node's own Connection line would be wrong or missing. */
function isSpokenFor(res: ServerResponse, said: Said): boolean {
  return said.connection !== undefined || said.keepAlive || said.upgrade || removedConnection(res)
}

function needsExplicitField(keepAlive: KeepAlivePolicy, promise: number): boolean {
  return keepAlive.parameters !== '' || (promise === 0 && keepAlive.maxRequests !== false)
}

/**
 * HTTP/1.0 knows no chunked coding (RFC 9112 §6.1), so keep-alive needs a Content-Length; Node works one out for `end(body)`
 * only in HTTP/1.1, and never grants keep-alive to what has no body.
 */
function prepareHttp10(res: ServerResponse, status: number, ending: CloseReason | undefined): void {
  const bodyless = res.req.method === 'HEAD' || status === 204 || status === 304
  const known = bodyLength(res)
  if (ending === undefined && !bodyless && known !== null && !res.hasHeader('content-length'))
    res.setHeader('Content-Length', known)
  // With a body whose length nobody knows this stays false: the body then ends with the connection.
  res.useChunkedEncodingByDefault = ending === undefined && bodyless
}

/** After Node wrote the head: takes over what Node decided by itself, and notes what the body must keep to. */
function settle(exchange: Exchange, ending: CloseReason | undefined): void {
  const { connection, res } = exchange
  exchange.headWritten = true
  if (hasBody(res) && !res.chunkedEncoding) {
    exchange.declared = lengthOf(declaredLength(res))
    exchange.closeDelimited = exchange.declared < 0
  }
  if (ending !== undefined) {
    connection.ending = ending
    if (!isLast(res)) announceClose(res)
    return
  }
  if (!isLast(res)) return
  connection.promised = 0
  connection.ending = exchange.closeDelimited ? 'unframed' : 'handler'
  announceClose(res)
}

function lengthOf(length: number | null): number {
  return length !== null && Number.isSafeInteger(length) && length >= 0 ? length : -1
}

function whatWasSaid(res: ServerResponse, given: Headers | undefined): Said {
  const said: Said = { connection: undefined, keepAlive: false, transferEncoding: undefined, upgrade: false }
  // One look at the names costs less than asking for each of the four.
  for (const name of res.getHeaderNames()) if (matters(name)) note(said, name, res.getHeader(name), false)
  if (given === undefined) return said
  if (!Array.isArray(given)) {
    for (const name in given) if (matters(name)) note(said, name, given[name], false)
    return said
  }
  for (let i = 0; i < given.length; i += 1) {
    const entry = given[i]
    const name = Array.isArray(entry) ? String(entry[0]) : i % 2 === 0 ? String(entry) : ''
    if (matters(name)) note(said, name, Array.isArray(entry) ? entry[1] : given[i + 1], true)
  }
  return said
}

/** The names that matter are 7, 10 and 17 letters long: most fields are passed over by that alone. */
function matters({ length }: string): boolean {
  return length === 10 || length === 17 || length === 7
}

function note(said: Said, name: string, value: unknown, repeatable: boolean): void {
  switch (name.toLowerCase()) {
    case 'connection':
      said.connection = repeatable && said.connection !== undefined ? `${said.connection}, ${text(value)}` : text(value)
      break
    case 'keep-alive':
      said.keepAlive = true
      break
    case 'transfer-encoding':
      said.transferEncoding = text(value)
      break
    case 'upgrade':
      said.upgrade = true
  }
}

function text(value: unknown): string | undefined {
  if (value === undefined) return undefined
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/**
 * The fields with our own Connection and Keep-Alive in them. What else the application listed in Connection (`Upgrade`) stays.
 * The form is kept: Node 20 would lose duplicates of a flat list if a field were set beside it.
 */
function withConnection(
  res: ServerResponse,
  given: Headers | undefined,
  said: Said,
  option: 'close' | 'keep-alive',
  keepAlive: string,
): Headers | undefined {
  const others = parseConnection(said.connection).options.filter(
    (name) => name !== 'close' && name !== 'keep-alive' && name !== 'upgrade' && !isForAllRecipients(name),
  )
  // What is for this hop only says so (RFC 9110 §7.6.1).
  const connection = [...others, ...(said.upgrade ? ['upgrade'] : []), option].join(', ')
  if (given === undefined || !Array.isArray(given)) {
    res.setHeader('Connection', connection)
    if (keepAlive === '') res.removeHeader('Keep-Alive')
    else res.setHeader('Keep-Alive', keepAlive)
    return given === undefined ? undefined : withoutConnection(given)
  }
  if (res.hasHeader('connection')) res.setHeader('Connection', connection)
  res.removeHeader('Keep-Alive')
  return listWith(given, connection, keepAlive)
}

function isOurs(name: string): boolean {
  if (name.length !== 10) return false
  const lower = name.toLowerCase()
  return lower === 'connection' || lower === 'keep-alive'
}

function withoutConnection(given: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {}
  for (const name in given) if (!isOurs(name)) fields[name] = given[name]
  return fields
}

function listWith(given: OutgoingHttpHeader[], connection: string, keepAlive: string): OutgoingHttpHeader[] {
  const list: OutgoingHttpHeader[] = []
  const pairs = Array.isArray(given[0])
  for (let i = 0; i < given.length; i += pairs ? 1 : 2) {
    const entry = given[i]
    if (entry === undefined) continue
    if (Array.isArray(entry)) {
      if (!isOurs(String(entry[0]))) list.push(entry)
    } else {
      const value = given[i + 1]
      if (!isOurs(String(entry)) && value !== undefined) list.push(entry, value)
    }
  }
  if (pairs) {
    list.push(['Connection', connection])
    if (keepAlive !== '') list.push(['Keep-Alive', keepAlive])
  } else {
    list.push('Connection', connection)
    if (keepAlive !== '') list.push('Keep-Alive', keepAlive)
  }
  return list
}

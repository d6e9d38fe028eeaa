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
  makeLast,
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
  readonly connection: string | undefined
  readonly keepAlive: boolean
  readonly transferEncoding: string | undefined
  readonly upgrade: boolean
}

const NOTHING: Said = { connection: undefined, keepAlive: false, transferEncoding: undefined, upgrade: false }

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
  const given = typeof reason === 'string' ? fields : (fields ?? reason)
  const said = whatWasSaid(this, given)
  if (said === NOTHING && status !== 204 && printsPromise(exchange)) {
    callPrior(prior, this, status, reason, given)
    settle(exchange, undefined)
    return this
  }
  if (said === NOTHING && status !== 204 && isAskedToClose(exchange)) {
    exchange.connection.promised = 0
    callPrior(prior, this, status, reason, given)
    settle(exchange, 'client-close')
    return this
  }
  const framing = frame(exchange, given, said, status)
  const ending = decide(exchange, framing.said)
  callPrior(prior, this, status, reason, announce(exchange, framing.said, framing.given, status, ending))
  settle(exchange, ending)
  return this
}

function callPrior(
  prior: ServerResponse['writeHead'],
  res: ServerResponse,
  status: number,
  reason: string | Headers | undefined,
  headers: Headers | undefined,
): void {
  if (typeof reason === 'string') Reflect.apply(prior, res, [status, reason, headers])
  else prior.call(res, status, headers)
}

/**
 * The common case: nothing speaks against another request, nobody said anything of the connection, and Node prints what is promised by itself.
 * If so, that is promised. Asks nothing of the response, which under Express costs more than all of this.
 */
function printsPromise(exchange: Exchange): boolean {
  const { connection, res } = exchange
  const { site, requests } = connection
  const { keepAlive } = site.policy
  const steady = site.phase === 'serving' && connection.expiresAt === Number.POSITIVE_INFINITY
  if (!goesOn(keepAlive, exchange.plain, steady, exchange.wrongLength, connection.inputEnded, requests)) return false
  if (keepAlive === false || keepAlive.parameters !== '' || removedConnection(res)) return false
  const promise = promiseFor(keepAlive, Number.POSITIVE_INFINITY)
  if (promise === 0 && keepAlive.maxRequests !== false) return false
  connection.promised = promise
  if (promise !== exchange.printed || keepAlive.maxRequests !== false) print(res, keepAlive, promise, requests)
  return true
}

/** The other common case: the client asked for the close, which Node says by itself. */
function isAskedToClose({ askedClose, http10, wrongLength, connection, res }: Exchange): boolean {
  return askedClose && !http10 && !wrongLength && !connection.excess && !res.shouldKeepAlive && !removedConnection(res)
}

function print(res: ServerResponse, { maxRequests }: KeepAlivePolicy, promise: number, requests: number): void {
  setPrintedKeepAlive(res, promise, maxRequests === false ? 0 : maxRequests - requests)
}

/** Makes the head say what was decided. Returns the fields to write. */
function announce(
  { connection, res, http10 }: Exchange,
  said: Said,
  given: Headers | undefined,
  status: number,
  ending: CloseReason | undefined,
): Headers | undefined {
  const { keepAlive } = connection.site.policy
  const persists = ending === undefined
  if (res.shouldKeepAlive !== persists) res.shouldKeepAlive = persists
  if (http10) prepareHttp10(res, status, ending)
  if (!persists || keepAlive === false) {
    connection.promised = 0
    return isSpokenFor(res, said) ? withConnection(res, given, said, 'close', '') : given
  }
  const promise = promiseFor(keepAlive, connection.site.keepable())
  connection.promised = promise
  if (isSpokenFor(res, said) || needsExplicitField(keepAlive, promise)) {
    return withConnection(res, given, said, 'keep-alive', keepAliveField(keepAlive, promise, connection.requests))
  }
  print(res, keepAlive, promise, connection.requests)
  return given
}

/**
 * Takes out what contradicts the framing: a Content-Length beside a Transfer-Encoding (RFC 9112 §6.2), both in a 204 (RFC 9110 §8.6), and
 * Transfer-Encoding towards HTTP/1.0 (RFC 9112 §6.1).
 */
function frame(
  { res, http10 }: Exchange,
  given: Headers | undefined,
  said: Said,
  status: number,
): { readonly given: Headers | undefined; readonly said: Said } {
  const coded = said.transferEncoding !== undefined
  const uncoded = coded && (status === 204 || http10)
  if (uncoded && res.hasHeader('transfer-encoding')) res.removeHeader('Transfer-Encoding')
  let kept = uncoded ? without(given, 'transfer-encoding') : given
  if (status === 204 || (coded && !uncoded)) {
    if (res.hasHeader('content-length')) res.removeHeader('Content-Length')
    kept = without(kept, 'content-length')
  }
  return { given: kept, said: uncoded ? { ...said, transferEncoding: undefined } : said }
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
  const last = isLast(res)
  if (exchange.whole && !last && ending === undefined) return
  if (hasBody(res) && !res.chunkedEncoding) {
    exchange.declared = lengthOf(declaredLength(res))
    exchange.closeDelimited = exchange.declared < 0
  }
  if (ending !== undefined) {
    connection.ending = ending
    if (!last) {
      announceClose(res)
      makeLast(res)
    }
    return
  }
  if (!last) return
  connection.promised = 0
  connection.ending = exchange.closeDelimited ? 'unframed' : 'handler'
  announceClose(res)
}

function lengthOf(length: number | null): number {
  return length !== null && Number.isSafeInteger(length) && length >= 0 ? length : -1
}

function whatWasSaid(res: ServerResponse, given: Headers | undefined): Said {
  let said = NOTHING
  // One look at the names costs less than asking for each of the four.
  for (const name of res.getHeaderNames()) if (matters(name)) said = note(said, name, res.getHeader(name), false)
  if (given === undefined) return said
  if (!Array.isArray(given)) {
    for (const name in given) if (matters(name)) said = note(said, name, given[name], false)
    return said
  }
  for (let i = 0; i < given.length; i += 1) {
    const entry = given[i]
    const name = Array.isArray(entry) ? String(entry[0]) : i % 2 === 0 ? String(entry) : ''
    if (matters(name)) said = note(said, name, Array.isArray(entry) ? entry[1] : given[i + 1], true)
  }
  return said
}

/** The names that matter are 7, 10 and 17 letters long: most fields are passed over by that alone. */
function matters({ length }: string): boolean {
  return length === 10 || length === 17 || length === 7
}

function note(said: Said, name: string, value: unknown, repeatable: boolean): Said {
  switch (name.toLowerCase()) {
    case 'connection': {
      const before = repeatable ? said.connection : undefined
      return { ...said, connection: before === undefined ? text(value) : `${before}, ${text(value)}` }
    }
    case 'keep-alive':
      return { ...said, keepAlive: true }
    case 'transfer-encoding':
      return { ...said, transferEncoding: text(value) }
    case 'upgrade':
      return { ...said, upgrade: true }
    default:
      return said
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

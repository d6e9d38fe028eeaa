import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseConnection } from '../http/tokens.js'
import { endsItsRead } from '../node/parser.js'
import { timeoutSetting } from '../node/response-fields.js'
import { presetMessage } from '../node/status-message.js'
import type { Connection, Exchange, RequestFacts } from './connection.js'

/** Of nearly every request: HTTP/1.1 with a Host, and with no body, expectation or wish to end. */
const PLAIN: RequestFacts = Object.freeze({
  parserPersists: true,
  http10: false,
  expectsBody: false,
  askedClose: false,
  askedKeepAlive: false,
  persists: true,
})

/** Not a class: a literal is made in place, without a call. */
export function beginExchange(connection: Connection, req: IncomingMessage, res: ServerResponse, arrived: number): Exchange {
  const isSpecial = !isPlain(req, res)
  const exchange: Exchange = {
    connection,
    req,
    res,
    facts: isSpecial ? factsOf(req, res) : PLAIN,
    isSpecial,
    arrived,
    printed: timeoutSetting(res) === connection.site.shownTimeout ? connection.site.printed : -1,
    headWritten: false,
    ended: false,
    account: 'here',
    length: -1,
    bodyTaken: false,
    body: undefined,
    own: undefined,
  }
  const carrier: ServerResponse & Carrier = res
  carrier[kExchange] = exchange
  presetMessage(connection.site, res)
  connection.current = exchange
  return exchange
}

function isPlain({ headers, httpVersionMajor, httpVersionMinor }: IncomingMessage, { shouldKeepAlive }: ServerResponse): boolean {
  return (
    shouldKeepAlive === true &&
    httpVersionMajor === 1 &&
    httpVersionMinor === 1 &&
    headers.host !== undefined &&
    (headers.connection === undefined || headers.connection === 'keep-alive') &&
    headers.expect === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  )
}

function factsOf(req: IncomingMessage, { shouldKeepAlive }: ServerResponse): RequestFacts {
  const { headers, httpVersionMinor } = req
  const asked = parseConnection(headers.connection)
  const http10 = httpVersionMinor === 0
  const length = headers['content-length']
  const coding = headers['transfer-encoding']
  // Two lengths may be an attempt to hide a request in a body: nothing behind this one is run (RFC 9112 §6.1).
  const isClear = length === undefined || coding === undefined
  const parserPersists = shouldKeepAlive && isClear && !(asked.options.includes('upgrade') && mayLoseNext(req))
  return {
    parserPersists,
    http10,
    expectsBody: length !== undefined || coding !== undefined,
    askedClose: asked.close,
    askedKeepAlive: asked.keepAlive,
    persists: parserPersists && !http10 && !asked.close && headers.expect === undefined,
  }
}

/**
 * Where nobody listens for upgrades Node ignores the field, but its parser throws away what was read together with the end of such a request: the next
 * request, which nobody would answer. Nothing tells whether there was one, unless this request was read by itself.
 */
function mayLoseNext(req: IncomingMessage): boolean {
  return req.headers.upgrade !== undefined && !endsItsRead(req)
}

/** Whether the request leaves it open that another one follows. */
export function mayPersist({ facts }: Exchange): boolean {
  return facts.parserPersists && !facts.askedClose
}

/** Whether a cut of its body would look like its end: the head is out, and the body ends with the connection. */
export function endsWithConnection({ body, res }: Exchange): boolean {
  return body !== undefined && body.declared < 0 && res.headersSent
}

/**
 * Whether the parser refuses what follows though the request's head does not say so: it takes a Connection field among the trailers for one of the head.
 * Known once the trailers are there.
 */
export function endsWithTrailers({ facts, req }: Exchange): boolean {
  return facts.expectsBody && req.complete && parseConnection(req.trailers.connection).close
}

/** Whether its body has not arrived as a whole yet. */
export function isIncomplete({ facts, isSpecial, req }: Exchange): boolean {
  return isSpecial && facts.expectsBody && !req.complete
}

/**
 * Where a response has its exchange. Who is called for every response asks for that by itself, and gives it to {@link ifOpen}: in a function that
 * serves many, V8 does not know what it is asked of, nor its prototype.
 */
export const kExchange: unique symbol = Symbol('halfclose.exchange')

export interface Carrier {
  [kExchange]?: Exchange
}

/** The exchange that is being answered with `res`; none once that is done, or where it is not governed. */
export function exchangeOf(res: ServerResponse): Exchange | undefined {
  const carrier: ServerResponse & Carrier = res
  return ifOpen(carrier[kExchange])
}

/** The exchange, unless it is done. */
export function ifOpen(exchange: Exchange | undefined): Exchange | undefined {
  return exchange !== undefined && exchange.connection.current === exchange ? exchange : undefined
}

/** Whether this is the request that is being answered, or is made of it (`Object.create(req)`, a Proxy), or its response is, or both are the application's own. */
export function isHandedOn(current: Exchange, req: IncomingMessage, res: ServerResponse & Carrier): boolean {
  if (current.req === req || res[kExchange] === current) return true
  // Node listens for the end of each of its own.
  if (res.listenerCount('finish') === 0) return true
  return Object.prototype.isPrototypeOf.call(current.req, req) || isMadeOf(current, res)
}

/** Whether an object inherits from the response of an exchange (`Object.create(res)`), and so its methods: Node does not answer with it. */
export function isMadeOf(exchange: Exchange | undefined, res: object): boolean {
  return exchange !== undefined && exchange.res !== res && Object.prototype.isPrototypeOf.call(exchange.res, res)
}

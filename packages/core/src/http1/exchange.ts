import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseConnection } from '../http/tokens.js'
import { timeoutSetting } from '../node/response-fields.js'
import { presetMessage } from '../node/status-message.js'
import type { Connection, Exchange } from './connection.js'
import { factsOf, isPlain, PLAIN } from './request-facts.js'

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
    printed: timeoutSetting(res) === connection.owner.shownTimeout ? connection.owner.printed : -1,
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
  presetMessage(connection.owner, res)
  connection.current = exchange
  return exchange
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

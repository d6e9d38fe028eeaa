import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseConnection } from '../http/tokens.js'
import type { ResponseMethods } from '../node/patched-methods.js'
import { refusesBody, timeoutSetting } from '../node/response-fields.js'
import { presetMessage } from '../node/v8-status-message.js'
import type { Connection, Exchange } from './connection.js'
import { factsOf, isPlain, PLAIN } from './request-facts.js'

// A request and its response: how an exchange begins, is found by its response, and what is asked about it.

/** A literal and not a class: V8 allocates it without a call. */
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
    patched: undefined,
  }
  const carrier: ServerResponse & Carrier = res
  carrier[kExchange] = exchange
  presetMessage(connection.owner, res)
  connection.current = exchange
  return exchange
}

/** Whether the request allows another one to follow. */
export function mayPersist({ facts }: Exchange): boolean {
  return facts.parserPersists && !facts.askedClose
}

/** Whether a cut of the body would look like its end: the head is out, and the body ends with the connection. */
export function endsWithConnection({ body, res }: Exchange): boolean {
  return body !== undefined && body.declared < 0 && res.headersSent
}

/**
 * Whether the parser refuses all further requests although the request's head allowed them: it treats a Connection field among the trailers like one
 * of the head. Known once the trailers have arrived.
 */
export function endsWithTrailers({ facts, req }: Exchange): boolean {
  return facts.expectsBody && req.complete && parseConnection(req.trailers.connection).close
}

/** Whether the request's body has not arrived as a whole yet. */
export function isIncomplete({ facts, isSpecial, req }: Exchange): boolean {
  return isSpecial && facts.expectsBody && !req.complete
}

/** Whether the server waits for the client to send the request's body: not where the handler does not read it. */
export function awaitsBody({ req, res }: Exchange): boolean {
  // A client that has not been told yet to send its body is right to wait.
  return !req.complete && req.readableLength < req.readableHighWaterMark && !refusesBody(res)
}

/**
 * The key of a response's exchange. Functions that run for every response read it themselves and pass it to {@link ifOpen}: in one shared function V8
 * would know neither the object nor its prototype.
 */
export const kExchange: unique symbol = Symbol('halfclose.exchange')

export interface Carrier {
  [kExchange]?: Exchange
}

/** The exchange that is being answered with `res`; `undefined` once that is done, or where `res` is not governed. */
export function exchangeOf(res: ServerResponse): Exchange | undefined {
  const carrier: ServerResponse & Carrier = res
  return ifOpen(carrier[kExchange])
}

/** The exchange, unless it is done. */
export function ifOpen(exchange: Exchange | undefined): Exchange | undefined {
  return exchange !== undefined && exchange.connection.current === exchange ? exchange : undefined
}

/**
 * Whether this request is the one that is being answered, or was made of it (`Object.create(req)`, a Proxy), or its response is, or the application
 * made both itself.
 */
export function isHandedOn(current: Exchange, req: IncomingMessage, res: ServerResponse & Carrier): boolean {
  if (current.req === req || res[kExchange] === current) return true
  // Node listens for the end of each response that it made.
  if (res.listenerCount('finish') === 0) return true
  return Object.prototype.isPrototypeOf.call(current.req, req) || isMadeOf(current, res)
}

/**
 * Whether an object inherits from the response of an exchange (`Object.create(res)`), and so its methods. Node does not answer with such an object.
 */
export function isMadeOf(exchange: Exchange | undefined, res: object): boolean {
  return exchange !== undefined && exchange.res !== res && Object.prototype.isPrototypeOf.call(exchange.res, res)
}

/**
 * The prototype of a response, also for an object that inherits from it. The object itself is asked first, before anything else is: V8 then knows the answer from
 * what the caller has just read of it.
 */
export function prototypeOf(exchange: Exchange | undefined, res: ServerResponse): ResponseMethods {
  const prototype: ResponseMethods = Object.getPrototypeOf(res)
  return exchange === undefined || exchange.res === res ? prototype : Object.getPrototypeOf(exchange.res)
}

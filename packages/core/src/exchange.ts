import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Connection } from './connection.js'
import { printedTimeout } from './node-private.js'
import { parseConnection } from './tokens.js'

/**
 * One request and its response: what is known of the request when it is handed over, and what becomes of the answer. It is asked here and not
 * of the request and the response: a framework gives those another prototype (Express), and V8 then looks up every property of theirs anew.
 */
export interface Exchange {
  readonly connection: Connection
  readonly req: IncomingMessage
  readonly res: ServerResponse
  /** When it arrived, which may be before it was handed over; where no drain was under way, about when. */
  readonly arrived: number
  /** The parser's verdict on the request: false where its version or framing rules out persistence. */
  readonly parserPersists: boolean
  readonly http10: boolean
  readonly expectsBody: boolean
  readonly askedClose: boolean
  readonly askedKeepAlive: boolean
  /** Milliseconds that Node will print as `timeout=` unless it is told otherwise. */
  readonly printed: number
  /** Nothing in the request speaks against another one. */
  readonly plain: boolean
  /** Its head has been written. */
  headWritten: boolean
  /** end() was called. */
  ended: boolean
  /** The head comes with all of the body. */
  whole: boolean
  /** The Content-Length that the head declared, -1 while there is none. */
  declared: number
  /** Body bytes written so far; counted only where a length is declared. */
  written: number
  /** The one and only piece of the body is known not to fit the declared length. */
  wrongLength: boolean
  /** The body did not fit, and that was said. */
  misfit: boolean
  /** The body ends with the connection, so that a cut would look complete. */
  closeDelimited: boolean
  /** The application reads the request's body itself, also after it has answered. */
  bodyTaken: boolean
}

/** Not a class: a literal is made in place, without a call. */
export function beginExchange(connection: Connection, req: IncomingMessage, res: ServerResponse, arrived: number): Exchange {
  const { headers } = req
  const asked = parseConnection(headers.connection)
  const parserPersists = res.shouldKeepAlive
  const http10 = req.httpVersionMinor === 0
  const exchange: Exchange = {
    connection,
    req,
    res,
    arrived,
    parserPersists,
    http10,
    expectsBody: headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined,
    askedClose: asked.close,
    askedKeepAlive: asked.keepAlive,
    printed: printedTimeout(res),
    plain: parserPersists && !http10 && !asked.close && !connection.excess && headers.expect === undefined,
    headWritten: false,
    ended: false,
    whole: false,
    declared: -1,
    written: 0,
    wrongLength: false,
    misfit: false,
    closeDelimited: false,
    bodyTaken: false,
  }
  const carrier: Carrier = res
  carrier[kExchange] = exchange
  // Node adds this property with the head, which makes it another kind of object for V8: what was looked up before is looked up again.
  if (Object.getPrototypeOf(res) === ServerResponse.prototype && carrier.statusMessage === undefined)
    carrier.statusMessage = undefined
  connection.current = exchange
  return exchange
}

/** Whether the request leaves it open that another one follows. */
export function mayPersist({ parserPersists, askedClose }: Exchange): boolean {
  return parserPersists && !askedClose
}

/** Whether its body has not arrived as a whole yet. */
export function isIncomplete({ expectsBody, req }: Exchange): boolean {
  return expectsBody && !req.complete
}

/**
 * Where a response has its exchange. Who is called for every response asks for that by itself, and gives it to {@link ifOpen}: in a function that
 * serves many, V8 does not know what it is asked of, nor its prototype.
 */
export const kExchange: unique symbol = Symbol('halfclose.exchange')

export interface Carrier {
  [kExchange]?: Exchange
  statusMessage?: string | undefined
}

/** The exchange that is being answered with `res`; none once that is done, or where it is not governed. */
export function exchangeOf(res: ServerResponse): Exchange | undefined {
  const carrier: Carrier = res
  return ifOpen(carrier[kExchange])
}

/** The exchange, unless it is done. */
export function ifOpen(exchange: Exchange | undefined): Exchange | undefined {
  return exchange !== undefined && exchange.connection.current === exchange ? exchange : undefined
}

import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseConnection } from '../http/tokens.js'
import { endsItsRead } from '../node/parser.js'

// What a request says about its connection and its body.

/** What the request says about its connection and its body, read when the request is handed over. */
export interface RequestFacts {
  /** The parser's verdict on the request: false if its version or framing rules out persistence. */
  readonly parserPersists: boolean
  readonly http10: boolean
  readonly expectsBody: boolean
  readonly askedClose: boolean
  readonly askedKeepAlive: boolean
  /** Nothing in the request prevents another one. */
  readonly persists: boolean
}

/** The facts of nearly every request: HTTP/1.1 with a Host, without a body, an expectation or a wish to close. */
export const PLAIN: RequestFacts = Object.freeze({
  parserPersists: true,
  http10: false,
  expectsBody: false,
  askedClose: false,
  askedKeepAlive: false,
  persists: true,
})

export function isPlain(
  { headers, httpVersionMajor, httpVersionMinor }: IncomingMessage,
  { shouldKeepAlive }: ServerResponse,
): boolean {
  return (
    shouldKeepAlive &&
    httpVersionMajor === 1 &&
    httpVersionMinor === 1 &&
    headers.host !== undefined &&
    (headers.connection === undefined || headers.connection === 'keep-alive') &&
    headers.expect === undefined &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined
  )
}

export function factsOf(req: IncomingMessage, { shouldKeepAlive }: ServerResponse): RequestFacts {
  const { headers, httpVersionMinor } = req
  const asked = parseConnection(headers.connection)
  const http10 = httpVersionMinor === 0
  const length = headers['content-length']
  const coding = headers['transfer-encoding']
  // Two lengths may be an attempt to hide a request in a body: no request behind this one is run (RFC 9112 §6.1).
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
 * Whether the next request may be lost. Where the application does not listen for upgrades, Node ignores the Upgrade field, but its parser discards
 * what was read together with the end of the request. There is no way to tell whether that was a request, unless this one was read by itself.
 */
function mayLoseNext(req: IncomingMessage): boolean {
  return req.headers.upgrade !== undefined && !endsItsRead(req)
}

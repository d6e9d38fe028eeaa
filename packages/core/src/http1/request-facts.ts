import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseConnection } from '../http/tokens.js'
import { endsItsRead } from '../node/parser.js'

/** What the request says of its connection and of its body, read when it is handed over. */
export interface RequestFacts {
  /** The parser's verdict on the request: false where its version or framing rules out persistence. */
  readonly parserPersists: boolean
  readonly http10: boolean
  readonly expectsBody: boolean
  readonly askedClose: boolean
  readonly askedKeepAlive: boolean
  /** Nothing in it speaks against another one. */
  readonly persists: boolean
}

/** Of nearly every request: HTTP/1.1 with a Host, and with no body, expectation or wish to end. */
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

export function factsOf(req: IncomingMessage, { shouldKeepAlive }: ServerResponse): RequestFacts {
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

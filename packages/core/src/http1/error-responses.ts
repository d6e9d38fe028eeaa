import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './connection.js'
import type { PolicyInForce } from './connection-owner.js'

// Requests that no application sees, since they cannot be trusted or understood. Each is answered in its turn, as the last request of its connection.

/** Answers such a request. Returns whether it was one. */
export function refuses(owner: PolicyInForce, { req, res, facts }: Exchange): boolean {
  // The version in a request line does not turn this connection into one of another protocol.
  if (req.httpVersionMajor !== 1) return refuse(res, 505)
  if (refusesHost(owner, req, res)) return true
  const status = facts.expectsBody ? refusalOfCoding(req.headers['transfer-encoding']) : undefined
  return status !== undefined && refuse(res, status)
}

/** HTTP/1.1 without Host (RFC 9112 §3.2). Node would answer it itself, before the requests in front of it are answered. */
export function refusesHost({ requireHost }: PolicyInForce, req: IncomingMessage, res: ServerResponse): boolean {
  const lacks = requireHost && req.httpVersionMajor === 1 && req.httpVersionMinor === 1 && req.headers.host === undefined
  return lacks && refuse(res, 400)
}

/** The status for a transfer coding other than just `chunked`. */
function refusalOfCoding(coding: string | undefined): 400 | 501 | undefined {
  if (coding === undefined || coding === 'chunked') return undefined
  const codings = coding
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  // There is no way to tell where the body ends (RFC 9112 §6.3), and a sender must not chunk twice (§6.1).
  if (codings.length === 0 || codings.indexOf('chunked') !== codings.length - 1) return 400
  // Node would pass the body on as it is, still coded (RFC 9112 §6.1).
  return codings.length > 1 ? 501 : undefined
}

function refuse(res: ServerResponse, status: number): true {
  res.writeHead(status, { Connection: 'close' }).end()
  return true
}

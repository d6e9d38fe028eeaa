import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './connection.js'
import type { PolicyInForce } from './owner.js'

// Requests that no application gets to see, since they cannot be trusted or understood: each is answered in its turn, as the last of its connection.

/** Answers such a request; whether it was one. */
export function refuses(owner: PolicyInForce, { req, res, facts }: Exchange): boolean {
  // What the client writes in its request line does not make this connection another protocol.
  if (req.httpVersionMajor !== 1) return refuse(res, 505)
  if (refusesHost(owner, req, res)) return true
  const status = facts.expectsBody ? refusalOfCoding(req.headers['transfer-encoding']) : undefined
  return status !== undefined && refuse(res, status)
}

/** HTTP/1.1 without Host (RFC 9112 §3.2): Node would answer by itself, before the requests in front of it. */
export function refusesHost({ requireHost }: PolicyInForce, req: IncomingMessage, res: ServerResponse): boolean {
  const lacks = requireHost && req.httpVersionMajor === 1 && req.httpVersionMinor === 1 && req.headers.host === undefined
  return lacks && refuse(res, 400)
}

/** The status for a transfer coding that is not just `chunked`. */
function refusalOfCoding(coding: string | undefined): 400 | 501 | undefined {
  if (coding === undefined || coding === 'chunked') return undefined
  const codings = coding
    .toLowerCase()
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
  // Where the body ends cannot be told (RFC 9112 §6.3), and nobody chunks twice (§6.1).
  if (codings.length === 0 || codings.indexOf('chunked') !== codings.length - 1) return 400
  // Node would hand the body over as it is, still coded (RFC 9112 §6.1).
  return codings.length > 1 ? 501 : undefined
}

function refuse(res: ServerResponse, status: number): true {
  res.writeHead(status, { Connection: 'close' }).end()
  return true
}

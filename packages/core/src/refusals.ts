import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exchange } from './exchange.js'
import type { Site } from './site.js'

// Requests that no application gets to see, since they cannot be trusted or understood: each is answered in its turn, as the last of its connection.

/** Answers such a request; whether it was one. */
export function refuses(site: Site, { req, res, facts }: Exchange): boolean {
  // What the client writes in its request line does not make this connection another protocol.
  if (req.httpVersionMajor !== 1) return refuse(res, 505)
  if (refusesHost(site, req, res)) return true
  // Node would hand the body over as it is, still coded (RFC 9112 §6.1).
  return facts.expectsBody && isCodedOtherwise(req) && refuse(res, 501)
}

/** HTTP/1.1 without Host (RFC 9112 §3.2): Node would answer by itself, past the gate. */
export function refusesHost({ requireHost }: Site, req: IncomingMessage, res: ServerResponse): boolean {
  const lacks = requireHost && req.httpVersionMajor === 1 && req.httpVersionMinor === 1 && req.headers.host === undefined
  return lacks && refuse(res, 400)
}

function isCodedOtherwise(req: IncomingMessage): boolean {
  const coding = req.headers['transfer-encoding']
  return coding !== undefined && coding.trim().toLowerCase() !== 'chunked'
}

function refuse(res: ServerResponse, status: number): true {
  res.writeHead(status, { Connection: 'close' }).end()
  return true
}

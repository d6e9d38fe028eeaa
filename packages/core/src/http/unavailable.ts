import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { bareHead } from './bare-head.js'

// The 503 for requests and connections over a limit, and for those that a drain refuses. Each protocol has its function here, and none elsewhere.

/** Seconds after which the client may try again. */
const RETRY_AFTER = '1'

export function answerUnavailable(res: ServerResponse): void {
  res.writeHead(503, { 'Retry-After': RETRY_AFTER, 'Content-Length': '0' }).end()
}

/** The same where Node offers no response object. */
export function unavailableHead(): string {
  return bareHead('503 Service Unavailable', `Retry-After: ${RETRY_AFTER}\r\n`)
}

export function respondUnavailable(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 503, 'retry-after': RETRY_AFTER }, { endStream: true })
}

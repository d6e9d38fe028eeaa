import type { ServerResponse } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import { bareHead } from './bare-head.js'

// 503 for one request or connection too many, and for what a drain turns away: each protocol has its writer here, and none elsewhere.

/** Seconds after which the client may come again. */
const RETRY_AFTER = '1'

export function answerUnavailable(res: ServerResponse): void {
  res.writeHead(503, { 'Retry-After': RETRY_AFTER, 'Content-Length': '0' }).end()
}

/** Where Node has no response object to offer. */
export function unavailableHead(): string {
  return bareHead('503 Service Unavailable', `Retry-After: ${RETRY_AFTER}\r\n`)
}

export function respondUnavailable(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 503, 'retry-after': RETRY_AFTER }, { endStream: true })
}

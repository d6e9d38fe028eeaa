import type { IncomingMessage, ServerResponse } from 'node:http'
import { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/** An Express application, 4 or 5, with the members that are needed here. */
export interface ExpressApp {
  (req: IncomingMessage | Http2ServerRequest, res: ServerResponse | Http2ServerResponse): void
  request: object
  response: object
  use(handler: (req: Http2ServerRequest, res: Http2ServerResponse) => void): unknown
  set(name: string, value: string): unknown
}

/**
 * A `request` listener for an http2 server, with or without allowHTTP1. Express gives every request the prototypes of node:http, in which those of
 * node:http2 do not work: here each request gets those of its protocol.
 */
export function overHttp2(app: ExpressApp): (req: Http2ServerRequest, res: Http2ServerResponse) => void {
  let now = 1
  for (const [name, parent] of [
    ['request', Http2ServerRequest.prototype],
    ['response', Http2ServerResponse.prototype],
  ] as const) {
    const http1 = app[name]
    const methods: object = Object.create(parent, Object.getOwnPropertyDescriptors(Object.getPrototypeOf(http1)))
    const http2: object = Object.create(methods, { app: { value: app, writable: true, configurable: true } })
    // Express reads it once for each request, before anything asynchronous.
    Object.defineProperty(app, name, { get: () => (now === 1 ? http1 : http2), configurable: true })
  }
  return (req, res) => {
    now = req.httpVersionMajor
    if (now === 2) {
      req.headers.host ??= req.authority
      // Body parsers read this field to know whether there is a body.
      if (!req.stream.endAfterHeaders && req.headers['content-length'] === undefined) req.headers['transfer-encoding'] = 'chunked'
    }
    app(req, res)
    now = 1
  }
}

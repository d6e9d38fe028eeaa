import type { IncomingMessage, ServerResponse } from 'node:http'

/** What the requests and responses of HTTP/1.1 and HTTP/2 have in common. */
export interface AnyRequest {
  readonly url?: string | undefined
  readonly method?: string | undefined
}

export interface AnyResponse {
  writeHead(status: number, fields: Readonly<Record<string, string>>): unknown
  end(body: string): unknown
}

export type RequestEvent = 'request' | 'checkContinue' | 'checkExpectation'

/** Answers a request before the application sees it (a readiness route). Returns whether it did. */
export type Intercept = (req: AnyRequest, res: AnyResponse) => boolean

/** Shows `look` the requests of an application until the returned function is called. `look` returns whether it has answered the request. */
export type WatchRequests = (look: (req: IncomingMessage, res: ServerResponse) => boolean) => () => void

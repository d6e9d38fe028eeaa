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

/** Answers a request before the application sees it (a readiness route); true: it did. */
export type Intercept = (req: AnyRequest, res: AnyResponse) => boolean

/** Shows an application's requests to `look`, which says whether it has answered one, until the function returned is called. */
export type WatchRequests = (look: (req: IncomingMessage, res: ServerResponse) => boolean) => () => void

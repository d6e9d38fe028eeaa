import type { Intercept } from './requests.js'
import type { Connections } from './types.js'

export interface ReadinessAnswer {
  readonly status: 200 | 503
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a readiness probe is told: 200 while serving, else 503 with Retry-After: the seconds until this server is gone, at least 1. */
export function readinessAnswer(connections: Connections): ReadinessAnswer {
  const { ready, state } = connections
  const body = JSON.stringify({ ready, state })
  const headers: Record<string, string> = {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
  }
  if (ready) return { status: 200, headers, body }
  const seconds = Math.ceil(connections.remaining() / 1_000)
  headers['Retry-After'] = String(Number.isFinite(seconds) ? Math.max(1, seconds) : 1)
  return { status: 503, headers, body }
}

/** Whether the request asks for the readiness route; then it is answered. Runs before every request: no allocation unless it does. */
export function interceptReadiness(path: string, connections: () => Connections): Intercept {
  return (req, res) => {
    const { url, method } = req
    if (url === undefined || !url.startsWith(path) || (url.length > path.length && url[path.length] !== '?')) return false
    if (method !== 'GET' && method !== 'HEAD') return false
    const { status, headers, body } = readinessAnswer(connections())
    res.writeHead(status, headers)
    res.end(body)
    return true
  }
}

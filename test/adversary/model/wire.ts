import type { Wish } from './script.js'

/** A request's bytes: where its head ends, and where its body may be broken off so that nonsense can follow. */
export interface Wire {
  method: string
  bytes: Buffer
  head: number
  breakAt: number
}

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`

/** The path carries the id: no two requests are alike. */
export function wireOf(id: string, { kind, size }: Wish): Wire {
  const body = 'b'.repeat(size)
  const of = (method: string, head: string, payload = '', first = 0): Wire => {
    const bytes = Buffer.from(head + payload, 'latin1')
    return { method, bytes, head: head.length, breakAt: head.length + first }
  }
  switch (kind) {
    case 'get':
      return of('GET', lines(`GET /${id} HTTP/1.1`, 'Host: a'))
    case 'head':
      return of('HEAD', lines(`HEAD /${id} HTTP/1.1`, 'Host: a'))
    case 'get10':
      return of('GET', lines(`GET /${id} HTTP/1.0`))
    case 'keep10':
      return of('GET', lines(`GET /${id} HTTP/1.0`, 'Connection: keep-alive'))
    case 'closing':
      return of('GET', lines(`GET /${id} HTTP/1.1`, 'Host: a', 'Connection: x, Close'))
    case 'no-host':
      return of('GET', lines(`GET /${id} HTTP/1.1`))
    case 'upgrade':
      return of('GET', lines(`GET /${id} HTTP/1.1`, 'Host: a', 'Connection: upgrade', 'Upgrade: echo'))
    case 'connect':
      return of('CONNECT', lines(`CONNECT ${id}:80 HTTP/1.1`, 'Host: a'))
    case 'post':
      return of('POST', lines(`POST /${id} HTTP/1.1`, 'Host: a', `Content-Length: ${size}`), body, size >> 1)
    case 'expect':
      return of(
        'POST',
        lines(`POST /${id} HTTP/1.1`, 'Host: a', 'Expect: 100-continue', `Content-Length: ${size}`),
        body,
        size >> 1,
      )
    case 'chunked': {
      const chunk = `${size.toString(16)}\r\n${body}\r\n`
      const head = lines(`POST /${id} HTTP/1.1`, 'Host: a', 'Transfer-Encoding: chunked')
      return of('POST', head, `${chunk}${chunk}0\r\n\r\n`, chunk.length)
    }
  }
}

/** Where the first part of a request ends: inside its head, or at the one place where its body may be broken off. */
export function cutOf({ bytes, head, breakAt }: Wire, part: number): number {
  if (part >= 1) return bytes.length
  const at = Math.max(1, Math.floor(part * bytes.length))
  return at < head || breakAt >= bytes.length ? Math.min(at, head - 1) : breakAt
}

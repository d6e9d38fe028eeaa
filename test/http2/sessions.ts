import { type ClientHttp2Session, connect } from 'node:http2'
import { Agent } from 'undici'

/** What became of one request, in the client's own words. */
export type Outcome = { path: string; text: string } | { path: string; failed: string }

/** A client that keeps a session, and opens another one when that has ended. */
export interface Http2Client {
  name: string
  hosts: readonly ('http2' | 'https2' | 'https2and1')[]
  open(origin: string): { get(path: string): Promise<Outcome>; end(): Promise<void> }
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

export const nodeHttp2: Http2Client = {
  name: 'http2.connect',
  hosts: ['http2', 'https2', 'https2and1'],
  open: (origin) => {
    let session: ClientHttp2Session | undefined
    const sessions = new Set<ClientHttp2Session>()
    const usable = (): ClientHttp2Session => {
      if (session !== undefined && !session.closed && !session.destroyed) return session
      const fresh = connect(origin, { rejectUnauthorized: false })
      session = fresh
      sessions.add(fresh)
      fresh.on('error', () => {}) // its streams say it, too
      fresh.on('close', () => sessions.delete(fresh))
      return fresh
    }
    return {
      get: (path) =>
        new Promise((resolve) => {
          const stream = usable().request({ ':path': path })
          let text = ''
          stream.setEncoding('latin1')
          stream.on('data', (chunk: string) => {
            text += chunk
          })
          let failed: string | undefined
          stream.on('error', (error) => {
            const code = String(propertyOf(propertyOf(error, 'cause'), 'code') ?? propertyOf(error, 'code'))
            if (code !== 'ERR_HTTP2_STREAM_ERROR') failed = code
          })
          stream.on('close', () => {
            if (stream.rstCode !== 0) failed ??= `RST_STREAM ${stream.rstCode}`
            resolve(failed === undefined ? { path, text } : { path, failed })
          })
        }),
      end: async () => {
        for (const one of sessions) one.destroy()
      },
    }
  },
}

/** Its code; where that says little, its words. */
const failureOf = (error: unknown): string => {
  const code = String(propertyOf(error, 'code'))
  return code === 'ECONNREFUSED' ? code : String(error)
}

export const undici: Http2Client = {
  name: 'undici with allowH2',
  hosts: ['https2', 'https2and1'],
  open: (origin) => {
    const agent = new Agent({ allowH2: true, connections: 1, pipelining: 10, connect: { rejectUnauthorized: false } })
    return {
      get: async (path) => {
        try {
          const { body } = await agent.request({ origin, path, method: 'GET' })
          return { path, text: await body.text() }
        } catch (error) {
          return { path, failed: failureOf(error) }
        }
      },
      end: () => agent.destroy(),
    }
  },
}

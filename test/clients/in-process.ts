import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { Agent } from 'undici'
import type { Outcome, RealClient } from './client.js'

const says = (connection: string | null | undefined): boolean => /\bclose\b/i.test(connection ?? '')

/** What the client itself says: its code, or that of the cause. */
function failure(error: unknown): Outcome {
  const cause = propertyOf(error, 'cause') ?? error
  return { failed: String(propertyOf(cause, 'code') ?? cause) }
}

/** No `instanceof`: jest's realm is another than Node's. */
const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

const inTime = <T extends Outcome>(outcome: Promise<T>): Promise<Outcome> => outcome.catch(failure)

/** undici keeps a connection for what was promised less 2 s (keepAliveTimeoutThreshold). It reads while it writes. */
export const undici: RealClient = {
  name: 'undici',
  schemes: ['http', 'https'],
  refused: /^ECONNREFUSED$/,
  reusesWithin: 1_000,
  open: async ({ origin }) => {
    const agent = new Agent({ connections: 1, connect: { rejectUnauthorized: false } })
    const ask = async (path: string, method: 'GET' | 'POST', body: Buffer | null): Promise<Outcome> => {
      const { statusCode, headers, body: answer } = await agent.request({ origin, path, method, body })
      return { status: statusCode, body: await answer.text(), closes: says(String(headers.connection)) }
    }
    return {
      get: (path) => inTime(ask(path, 'GET', null)),
      post: (path, bytes) => inTime(ask(path, 'POST', Buffer.alloc(bytes))),
      end: () => agent.destroy(),
    }
  },
}

/** The one that is built in has a pool of its own, for the whole process. Trusting a certificate takes an option of undici. */
export const builtInFetch: RealClient = {
  name: 'fetch',
  schemes: ['http'],
  refused: /^ECONNREFUSED$/,
  reusesWithin: 1_000,
  open: async ({ origin }) => {
    const ask = async (path: string, init: RequestInit): Promise<Outcome> => {
      const answer = await fetch(origin + path, init)
      return { status: answer.status, body: await answer.text(), closes: says(answer.headers.get('connection')) }
    }
    return {
      get: (path) => inTime(ask(path, {})),
      post: (path, bytes) => inTime(ask(path, { method: 'POST', body: new Uint8Array(bytes) })),
      end: async () => {},
    }
  },
}

/** Keeps a connection for what was promised, less a second from Node 24 on. It reads while it writes. */
export const agent: RealClient = {
  name: 'http.Agent with keepAlive',
  schemes: ['http', 'https'],
  refused: /^ECONNREFUSED$/,
  reusesWithin: 2_500,
  open: async (base) => {
    const tls = base.protocol === 'https:'
    const options = { keepAlive: true, maxSockets: 1 }
    const pool = tls ? new HttpsAgent({ ...options, rejectUnauthorized: false }) : new HttpAgent(options)
    const ask = (path: string, method: string, body?: Buffer): Promise<Outcome> =>
      new Promise((resolve, reject) => {
        const request = (tls ? httpsRequest : httpRequest)(new URL(path, base), { agent: pool, method }, (answer) => {
          let text = ''
          answer.setEncoding('latin1')
          answer.on('data', (chunk: string) => {
            text += chunk
          })
          answer.on('error', reject)
          answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text, closes: says(answer.headers.connection) }))
        })
        request.on('error', reject)
        request.end(body)
      })
    return {
      get: (path) => inTime(ask(path, 'GET')),
      post: (path, bytes) => inTime(ask(path, 'POST', Buffer.alloc(bytes))),
      end: async () => pool.destroy(),
    }
  },
}

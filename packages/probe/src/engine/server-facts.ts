import { Client, FrameClient, type Response } from '../wire/index.js'
import type { Bounds } from './bounds.js'
import type { Target } from './target.js'

/** Facts about the server, found out before the checks. */
export interface Facts {
  /** The server speaks HTTP/1. */
  http1: boolean
  /** The status of the first answer. */
  status: number
  /** Its Server field. */
  server: string | undefined
  /** A second request on the same connection was answered. */
  persistent: boolean
  /** Seconds promised in `Keep-Alive: timeout=`. */
  promise: number | undefined
  /** Requests left, by `Keep-Alive: max=`. */
  max: number | undefined
  /** The server speaks HTTP/2: over TLS by ALPN, otherwise by prior knowledge. */
  http2: boolean
  /** Path of a slow answer, and its time in ms. */
  slow: { path: string; ms: number } | undefined
  /** Path of an answer without an end. */
  stream: string | undefined
}

/** The server cannot be reached, or does not speak HTTP: there is nothing to probe. */
export class Unreachable extends Error {}

/** A parameter of the Keep-Alive field, as a number. */
export function keepAliveParameter(answer: Response, name: 'timeout' | 'max'): number | undefined {
  const found = new RegExp(`(?:^|[,;\\s])${name}\\s*=\\s*"?(\\d+)`, 'i').exec(answer.header('keep-alive') ?? '')
  return found === null ? undefined : Number(found[1])
}

/** Finds the facts out. Throws {@link Unreachable} with a readable sentence. */
export async function findOut(
  target: Target,
  bounds: Bounds,
  paths: { slow?: string | undefined; stream?: string | undefined } = {},
): Promise<Facts> {
  const http1 = await askTwice(target, bounds)
  const http2 = await speaksHttp2(target, bounds)
  if (http1 === undefined && !http2) {
    throw new Unreachable(`${target.url} takes a connection, but what it answers to a GET is not HTTP.`)
  }
  const slow = paths.slow === undefined || http1 === undefined ? undefined : await timeOf(target, bounds, paths.slow)
  const nothing = { http1: false, status: 0, server: undefined, persistent: false, promise: undefined, max: undefined }
  return { ...(http1 ?? nothing), http2, slow, stream: paths.stream }
}

const request = (target: Target, path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${target.authority}\r\n\r\n`

/** The first two answers; undefined if the server does not speak HTTP/1. */
async function askTwice(target: Target, bounds: Bounds) {
  const client = await Client.open(target).catch((error: NodeJS.ErrnoException) => {
    throw new Unreachable(`${target.url} cannot be reached: ${reason(error)}.`)
  })
  try {
    void client.send(request(target, target.path))
    // A process may compile its code for the very first answer.
    const first = await client.next(2 * bounds.answer).catch(() => undefined)
    if (first === undefined) return undefined
    if (first.complete && client.ending === undefined) void client.send(request(target, target.path))
    const second = await client.next(bounds.answer).catch(() => undefined)
    return {
      http1: true,
      status: first.status,
      server: first.header('server'),
      persistent: second !== undefined,
      promise: keepAliveParameter(first, 'timeout'),
      max: keepAliveParameter(first, 'max'),
    }
  } finally {
    client.vanish()
  }
}

async function speaksHttp2(target: Target, bounds: Bounds): Promise<boolean> {
  const session = await FrameClient.open({ ...target, authority: target.authority }).catch(() => undefined)
  if (session === undefined) return false
  try {
    // An HTTP/1 server answers the preface with an error, or not at all.
    await session.frame('SETTINGS', () => true, Math.min(bounds.answer, 2_000))
    return true
  } catch {
    return false
  } finally {
    session.connection.vanish()
  }
}

async function timeOf(target: Target, bounds: Bounds, path: string) {
  const client = await Client.open(target)
  try {
    const began = performance.now()
    void client.send(request(target, path))
    const { status } = await client.next(bounds.answer)
    if (status < 400) return { path, ms: Math.round(performance.now() - began) }
    throw new Unreachable(`The slow path ${path} was answered by ${status}.`)
  } catch (error) {
    throw error instanceof Unreachable ? error : new Unreachable(`The slow path ${path} was not answered.`)
  } finally {
    client.vanish()
  }
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'the connection is refused; no server listens there'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known'
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'no answer comes from there'
    case 'ECONNRESET':
      return 'the connection was reset before it stood'
    default:
      return code?.startsWith('ERR_SSL')
        ? 'the TLS handshake failed; does it speak plain HTTP?'
        : (message.split('\n')[0] ?? message)
  }
}

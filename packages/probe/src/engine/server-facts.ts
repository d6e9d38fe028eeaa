import { TLSSocket } from 'node:tls'
import { Client, FrameClient, type Response, until } from '../wire/index.js'
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
  /** The version of TLS; undefined: the server is asked without TLS. */
  tls: string | undefined
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

const sentence = (text: string): string => (text.endsWith('?') ? text : `${text}.`)

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
  const found = await askTwice(target, bounds)
  const { http2, tls = found.tls } = await speaksHttp2(target, bounds)
  if (typeof found.http1 === 'string' && !http2)
    throw new Unreachable(sentence(`${target.url} takes a connection, but ${found.http1}`))
  const http1 = typeof found.http1 === 'string' ? NO_HTTP1 : found.http1
  const slow = paths.slow === undefined || !http1.http1 ? undefined : await timeOf(target, bounds, paths.slow)
  return { ...http1, tls, http2, slow, stream: paths.stream }
}

const NO_HTTP1 = { http1: false, status: 0, server: undefined, persistent: false, promise: undefined, max: undefined }

const request = (target: Target, path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${target.authority}\r\n\r\n`

/** The version of TLS and the first two answers; or in words, why the server does not speak HTTP/1. */
async function askTwice(target: Target, bounds: Bounds) {
  // A server that speaks HTTP/2 only refuses this protocol.
  const opened = await Client.open({ ...target, alpn: ['http/1.1'], bodies: false }).catch(
    (error: NodeJS.ErrnoException) => error,
  )
  if (!(opened instanceof Client)) {
    if (opened.code?.endsWith('NO_APPLICATION_PROTOCOL')) return { tls: undefined, http1: 'it speaks no HTTP/1' }
    throw new Unreachable(sentence(`${target.url} cannot be reached: ${reason(opened)}`))
  }
  const client = opened
  const tls = versionOf(client)
  try {
    void client.send(request(target, target.path))
    const first = await firstAnswer(client, target, bounds)
    if (typeof first === 'string') return { tls, http1: first }
    if (client.ending === undefined) void client.send(request(target, target.path))
    const second = await client.next(bounds.answer).catch(() => undefined)
    const http1 = {
      http1: true,
      status: first.status,
      server: first.header('server'),
      persistent: second !== undefined,
      promise: keepAliveParameter(first, 'timeout'),
      max: keepAliveParameter(first, 'max'),
    }
    return { tls, http1 }
  } finally {
    client.vanish()
  }
}

/** The first answer, whole; or in words, what came in its place. Throws {@link Unreachable} if the answer has no end. */
async function firstAnswer(client: Client, { url, path, tls }: Target, bounds: Bounds): Promise<Response | string> {
  const { parser, answers, heads } = client
  // A process may compile its code for the very first answer.
  const ms = 2 * bounds.answer
  const over = () => answers.list.length > 0 || parser.garbage !== '' || client.ending !== undefined || client.gone
  await until('an answer', over, ms).catch(() => {})
  if (answers.list.length > 0) return client.next()
  const [head] = heads.list
  if (head !== undefined) {
    const came = `the answer to GET ${path} begins with ${head.status}`
    if (parser.garbage !== '') throw new Unreachable(`${url} is no HTTP: ${came}, and nobody can say where it ends.`)
    throw new Unreachable(
      over()
        ? `${url} cannot be probed: ${came}, and is broken off after ${head.length} bytes.`
        : `${url} cannot be probed: ${came}, and does not end within ${ms / 1_000} s (${head.length} bytes came). Name a path with a short answer.`,
    )
  }
  if (parser.garbage.startsWith(TLS_ALERT)) return 'it speaks TLS: write https:// in front'
  if (parser.garbage !== '') return 'what it answers to a GET is not HTTP'
  if (!over()) return `it does not answer a GET within ${ms / 1_000} s`
  return `it closes it without an answer to a GET${tls ? '' : '; does it speak TLS (https)?'}`
}

/** The first bytes of an alert record. */
const TLS_ALERT = '\x15\x03'

/** The version of TLS on a connection. */
const versionOf = ({ stream }: Client): string | undefined =>
  stream instanceof TLSSocket ? (stream.getProtocol() ?? undefined) : undefined

async function speaksHttp2(target: Target, bounds: Bounds): Promise<Pick<Facts, 'http2' | 'tls'>> {
  const session = await FrameClient.open({ ...target, bodies: false }).catch(() => undefined)
  const tls = session && versionOf(session.connection)
  if (session === undefined) return { http2: false, tls }
  try {
    // An HTTP/1 server answers the preface with an error, or not at all.
    await session.frame('SETTINGS', () => true, Math.min(bounds.answer, 2_000))
    return { http2: true, tls }
  } catch {
    return { http2: false, tls }
  } finally {
    session.connection.vanish()
  }
}

async function timeOf(target: Target, bounds: Bounds, path: string) {
  const client = await Client.open({ ...target, bodies: false })
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

const TLS_FAILED = 'the TLS handshake failed; does it speak plain HTTP?'

/** Why there is no connection, in words. */
export function reason({ code, message }: NodeJS.ErrnoException): string {
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
    case 'EPROTO':
      return TLS_FAILED
    default:
      if (code?.startsWith('ERR_SSL')) return TLS_FAILED
      return /^not within/.test(message)
        ? 'the connection does not come about; no answer comes from there'
        : (message.split('\n')[0] ?? message)
  }
}

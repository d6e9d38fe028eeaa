import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { Records, tap } from './tls-tap.js'
import { deferred, within } from './wait.js'

/** Where to connect, and what kind of client to be. */
export interface ClientOptions {
  /** Or the path of a unix domain socket. */
  port: number | string
  /** Name or address of the server. Default: 127.0.0.1 */
  host?: string | undefined
  /** Speak TLS; the certificate is not checked. */
  tls?: boolean | undefined
  /** Answer the server's FIN with ours at once, as most clients do (default). Off: stay until told otherwise. */
  obliging?: boolean | undefined
  /** Protocols to offer in the TLS handshake. */
  alpn?: readonly string[] | undefined
  /** The TLS handshake waits for this, once TCP is connected. */
  handshake?: Promise<unknown> | undefined
  /** Further options for tls.connect(): a version, a session, a name. */
  secure?: ConnectionOptions | undefined
  /** Keep the bodies of the answers (default). Off: only their lengths are known, and large ones cost no memory. */
  bodies?: boolean | undefined
  /** Gets the input, if that is not HTTP/1. */
  reads?: ((chunk: Buffer) => void) | undefined
}

/** A connection that is being made. */
export interface Dialled {
  /** The TCP socket. */
  raw: Socket
  /** The TLS socket, or the same. */
  stream: Socket
  /** The TLS records that the server sends. */
  records: Records
  /** Resolves when requests may be sent. */
  ready: Promise<void>
}

/** Begins to connect. A caller that adds its listeners at once misses nothing. */
export async function dial({ port, host = '127.0.0.1', tls = false, alpn, handshake, secure }: ClientOptions): Promise<Dialled> {
  const address = typeof port === 'string' ? { path: port } : { port, host, noDelay: true }
  const raw = connectTcp({ ...address, allowHalfOpen: true })
  const records = new Records()
  if (handshake !== undefined) await within(Promise.all([once(raw, 'connect'), handshake]), () => `connect to ${port}`)
  const trust = { rejectUnauthorized: false, ...(alpn && { ALPNProtocols: [...alpn] }), ...secure }
  const stream = tls ? connectTls({ socket: tap(raw, records), ...trust }) : raw
  const connected = deferred<void>()
  stream.once(tls ? 'secureConnect' : 'connect', () => connected.resolve())
  const refused = new Promise<never>((_, reject) => stream.once('error', reject))
  refused.catch(() => {})
  const ready = within(Promise.race([connected.promise, refused]), () => `connect to ${port}`).catch((error: unknown) => {
    raw.destroy()
    throw error
  })
  ready.catch(() => {})
  return { raw, stream, records, ready }
}

import { Server as HttpServer } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import { Server as HttpsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { HalfcloseTypeError } from '../errors/errors.js'
import type { Inherited } from '../options/parse.js'
import type { AttachableServer, Connections } from '../types.js'
import { notAServer } from './not-a-server.js'

/** node:http2 exports no class of its servers; `updateSettings` is what only they have. */
export function isHttp2(server: unknown): server is Http2Server | Http2SecureServer {
  return server instanceof NetServer && 'updateSettings' in server
}

export function isAttachable(server: unknown): server is AttachableServer {
  return server instanceof HttpServer || server instanceof HttpsServer || isHttp2(server)
}

/** On every governed server; in the global registry, since two copies of this package may be loaded. */
const ATTACHED = Symbol.for('halfclose.attached')

export function isAttached(server: AttachableServer): boolean {
  return ATTACHED in server
}

export function markAttached(server: AttachableServer, handle: Connections): void {
  Object.defineProperty(server, ATTACHED, { value: handle })
}

/**
 * The handle of a governed server, whoever put it under its policy: `attach`, an adapter, or `--import @halfclose/core/register`; `undefined` where nobody did. Within a request
 * the server is `req.socket.server`. It may come from another copy of this package.
 */
export function connectionsOf(server: object): Connections | undefined {
  const handle: unknown = Reflect.get(server, ATTACHED)
  return isHandle(handle) ? handle : undefined
}

/** Older copies of this package left none. */
function isHandle(value: unknown): value is Connections {
  return typeof value === 'object' && value !== null && 'drain' in value && 'remaining' in value
}

/** Throws where a server cannot be attached, or has a policy already. */
export function assertAttachable(server: unknown): asserts server is AttachableServer {
  if (!isAttachable(server)) throw notAServer(server)
  if (isAttached(server)) {
    const message =
      'halfclose: this server has a policy already; attach() it once, and keep the handle that it returned; `connectionsOf(server)` returns it, too'
    throw new HalfcloseTypeError('HALFCLOSE_ALREADY_ATTACHED', message)
  }
}

export function isSecure(server: AttachableServer): boolean {
  return server instanceof TlsServer
}

/** Whether it speaks HTTP/1.1: all but an http2 server without `allowHTTP1`, which has none of HTTP/1's timers. */
export function speaksHttp1(server: AttachableServer): boolean {
  return !isHttp2(server) || 'headersTimeout' in server
}

/** What a server that speaks HTTP/1.1 goes by. */
export interface KeepsAlive {
  keepAliveTimeout: number
  maxRequestsPerSocket: number | null
  /** Not before Node 22.19 and 24.6. */
  readonly keepAliveTimeoutBuffer?: number | undefined
  readonly headersTimeout: number
  readonly requestTimeout: number
}

export function keepsAlive(server: AttachableServer): server is AttachableServer & KeepsAlive {
  return speaksHttp1(server)
}

/** The server's own settings. An http2 server may have none of them. */
export function inheritedFrom(server: AttachableServer): Inherited {
  return {
    keepAliveTimeout: numberOf(server, 'keepAliveTimeout'),
    keepAliveTimeoutBuffer: bufferOf(server),
    maxRequestsPerSocket: numberOf(server, 'maxRequestsPerSocket'),
  }
}

/** `server.keepAliveTimeoutBuffer`, where there is one that says something. */
export function bufferOf(server: AttachableServer): number | undefined {
  const value: unknown = Reflect.get(server, 'keepAliveTimeoutBuffer')
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : undefined
}

export function numberOf(server: AttachableServer, name: string): number {
  const value: unknown = Reflect.get(server, name)
  return typeof value === 'number' ? value : 0
}

/** `allowHalfOpen` of the server's sockets, TLS ones included, before it was ours: what the server was made with. */
export function halfOpenBefore(server: AttachableServer): boolean {
  return Reflect.get(server, 'allowHalfOpen') === true
}

/** Whether `listen()` was given a descriptor or handle that others may accept from as well. */
export function isShared(listening: unknown): boolean {
  return typeof listening === 'object' && listening !== null && ('fd' in listening || '_handle' in listening)
}

import { Server as HttpServer } from 'node:http'
import type { Http2SecureServer, Http2Server } from 'node:http2'
import { Server as HttpsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { AttachableServer } from './attachable-server.js'

/** node:http2 does not export the classes of its servers; only they have `updateSettings`. */
export function isHttp2(server: unknown): server is Http2Server | Http2SecureServer {
  return server instanceof NetServer && 'updateSettings' in server
}

export function isAttachable(server: unknown): server is AttachableServer {
  return server instanceof HttpServer || server instanceof HttpsServer || isHttp2(server)
}

export function isSecure(server: AttachableServer): boolean {
  return server instanceof TlsServer
}

/** Whether the server speaks HTTP/1.1. An http2 server without `allowHTTP1` does not, and has none of HTTP/1's timers. */
export function speaksHttp1(server: AttachableServer): boolean {
  return !isHttp2(server) || 'headersTimeout' in server
}

/** The settings of a server that speaks HTTP/1.1. */
export interface KeepsAlive {
  keepAliveTimeout: number
  maxRequestsPerSocket: number | null
  /** Only in Node 22.19, 24.6 and later. */
  readonly keepAliveTimeoutBuffer?: number | undefined
  readonly headersTimeout: number
  readonly requestTimeout: number
}

export function keepsAlive(server: AttachableServer): server is AttachableServer & KeepsAlive {
  return speaksHttp1(server)
}

/** The server's settings from before a policy was put on it. */
export interface Inherited {
  readonly keepAliveTimeout: number
  /** Milliseconds for which Node keeps a connection beyond that (22.19, 24.6 and later). */
  readonly keepAliveTimeoutBuffer?: number | undefined
  readonly maxRequestsPerSocket: number | null | undefined
}

/** The server's own settings. An http2 server may have none of them. */
export function inheritedFrom(server: AttachableServer): Inherited {
  return {
    keepAliveTimeout: numberOf(server, 'keepAliveTimeout'),
    keepAliveTimeoutBuffer: bufferOf(server),
    maxRequestsPerSocket: numberOf(server, 'maxRequestsPerSocket'),
  }
}

/** `server.keepAliveTimeoutBuffer`, where it is a usable number. */
export function bufferOf(server: AttachableServer): number | undefined {
  const value: unknown = Reflect.get(server, 'keepAliveTimeoutBuffer')
  return typeof value === 'number' && value >= 0 && Number.isFinite(value) ? value : undefined
}

export function numberOf(server: AttachableServer, name: string): number {
  const value: unknown = Reflect.get(server, name)
  return typeof value === 'number' ? value : 0
}

/** `allowHalfOpen` of the server's sockets, TLS ones included, as the server was made: before halfclose changed it. */
export function halfOpenBefore(server: AttachableServer): boolean {
  return Reflect.get(server, 'allowHalfOpen') === true
}

/** Whether `listen()` was given a descriptor or handle from which other processes may accept as well. */
export function isShared(listening: unknown): boolean {
  return typeof listening === 'object' && listening !== null && ('fd' in listening || '_handle' in listening)
}

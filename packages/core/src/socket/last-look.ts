import type { Socket } from 'node:net'
import type { End } from '../events/end.js'
import { bytesTaken, isResetting } from '../node/socket-handle.js'

/** The error codes of a reset by the peer: reading gives the first, writing any of them. */
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

/** Records what a socket no longer knows once it is destroyed. `error`: what it is destroyed with, only if the connection itself broke. */
export function lookLast(end: End, { socket, raw }: { socket: Socket; raw: Socket | undefined }, error?: Error | null): void {
  end.tls ||= tlsVersionOf(socket)
  const tcp = raw ?? socket
  // A second look comes too late to see the bytes.
  if (end.bytes.read + end.bytes.written === 0) end.bytes = { read: tcp.bytesRead, written: bytesTaken({ socket, raw }) }
  end.isReset ||= isResetting(tcp)
  if (error === undefined || error === null) return
  const code = codeOf(error)
  end.code ??= code
  end.isReset ||= code !== undefined && RESETS.has(code)
}

function tlsVersionOf(socket: Socket): string | false {
  if (!('getProtocol' in socket) || typeof socket.getProtocol !== 'function') return false
  const version: unknown = Reflect.apply(socket.getProtocol, socket, [])
  return typeof version === 'string' ? version.replace('TLSv', '') : 'unknown'
}

export function codeOf(error: Error): string | undefined {
  return 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

import type { Socket } from 'node:net'
import type { CloseRecord } from '../events/close-record.js'
import { errorCode } from '../node/error-code.js'
import { bytesTaken, isResetting } from '../node/socket-handle.js'

/** The error codes of a reset by the peer: reading gives the first, writing any of them. */
const RESETS = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

/** Records what a socket no longer knows once it is destroyed. `error`: what it is destroyed with, only if the connection itself broke. */
export function recordSocket(
  record: CloseRecord,
  { socket, raw }: { socket: Socket; raw: Socket | undefined },
  error?: Error | null,
): void {
  record.tls ||= tlsVersionOf(socket)
  const tcp = raw ?? socket
  // A second look comes too late to see the bytes.
  if (record.bytes.read + record.bytes.written === 0) record.bytes = { read: tcp.bytesRead, written: bytesTaken({ socket, raw }) }
  record.isReset ||= isResetting(tcp)
  if (error === undefined || error === null) return
  const code = errorCode(error)
  record.code ??= code || undefined
  record.isReset ||= RESETS.has(code)
}

function tlsVersionOf(socket: Socket): string | false {
  if (!('getProtocol' in socket) || typeof socket.getProtocol !== 'function') return false
  const version: unknown = Reflect.apply(socket.getProtocol, socket, [])
  return typeof version === 'string' ? version.replace('TLSv', '') : 'unknown'
}

import type { Socket } from 'node:net'
import { isGone } from '../node/socket-handle.js'

interface Exchange {
  readonly req: { readonly errored: Error | null }
  readonly res: { readonly errored: Error | null }
}

/** A connection, and what is read and answered on it. */
interface Breakable {
  readonly socket: Socket
  readonly raw: Socket | undefined
  readonly current: Exchange | undefined
  readonly rare: {
    /** A request that was answered before its body had arrived. */
    readonly unread: { readonly errored: Error | null } | undefined
    /** The peer broke it off. */
    readonly byPeer: boolean
  }
}

/**
 * Whether the connection itself broke (a reset, a broken pipe, TLS gone wrong): nobody is left to tell anything. The application's errors look the
 * same: an upstream's reset or its TLS, a file that is a directory, a full disk. What it destroyed its request or response with is its own, and otherwise
 * the kernel knows whether the connection is still there. That TLS went wrong here is told as an error first ('clientError').
 */
export function isBroken(
  { socket, raw, current, rare: { unread, byPeer } }: Breakable,
  error: Error | null | undefined,
): boolean {
  if (error === undefined || error === null || !isConnectionError(error)) return false
  if (error === current?.req.errored || error === current?.res.errored || error === unread?.errored) return false
  return (byPeer && isTlsError(error)) || isGone(raw ?? socket)
}

/** Whether it looks like an error of a connection, whosever that is. */
export function isConnectionError(error: Error | null | undefined): boolean {
  if (error === undefined || error === null) return false
  return 'syscall' in error || isTlsError(error) || /^ECONN/.test(codeOf(error))
}

function isTlsError(error: Error): boolean {
  return /^(?:ERR_SSL_|EPROTO)/.test(codeOf(error))
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

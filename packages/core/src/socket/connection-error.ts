import type { Socket } from 'node:net'
import { errorCode } from '../node/error-code.js'
import { isGone } from '../node/socket-handle.js'

interface Exchange {
  readonly req: { readonly errored: Error | null }
  readonly res: { readonly errored: Error | null }
}

/** A connection, and the requests that are read and answered on it. */
interface Breakable {
  readonly socket: Socket
  readonly raw: Socket | undefined
  readonly current: Exchange | undefined
  readonly rare: {
    /** A request that was answered before its body had arrived. */
    readonly unread: { readonly errored: Error | null } | undefined
    /** The client broke the connection off. */
    readonly byPeer: boolean
  }
}

/**
 * Whether the connection itself broke (a reset, a broken pipe, a TLS error), so that no client is left to answer. An error of the application looks
 * the same: a reset or TLS error of its upstream, a file that is a directory, a full disk. An error with which the application destroyed its request
 * or response is its own; otherwise the kernel knows whether the connection still exists. A TLS error of this connection is reported as 'clientError'
 * first.
 */
export function isBroken(
  { socket, raw, current, rare: { unread, byPeer } }: Breakable,
  error: Error | null | undefined,
): boolean {
  if (error === undefined || error === null || !isConnectionError(error)) return false
  if (error === current?.req.errored || error === current?.res.errored || error === unread?.errored) return false
  return (byPeer && isTlsError(error)) || isGone(raw ?? socket)
}

/** Whether an error looks like that of a connection: this one or another. */
export function isConnectionError(error: Error | null | undefined): boolean {
  if (error === undefined || error === null) return false
  return 'syscall' in error || isTlsError(error) || /^ECONN/.test(errorCode(error))
}

function isTlsError(error: Error): boolean {
  return /^(?:ERR_SSL_|EPROTO)/.test(errorCode(error))
}

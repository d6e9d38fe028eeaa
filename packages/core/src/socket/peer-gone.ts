import type { Socket } from 'node:net'
import { descriptorOf, isGone } from '../node/socket-handle.js'

/** Milliseconds between two looks at a peer that sends nothing more. */
export const LOOK = 250

/**
 * Whether a peer has reset its connection, where Node may never tell: nobody reads any more, it was read in one go with what came before (libuv takes that
 * for a clean end), or it is a write over TLS that fails.
 */
export function hasReset({ socket, raw }: { readonly socket: Socket; readonly raw: Socket | undefined }): boolean {
  // Behind our own FIN the kernel refuses a write in any case.
  if (socket.writableEnded) return false
  const tcp = raw ?? socket
  return descriptorOf(tcp) !== undefined && isGone(tcp)
}

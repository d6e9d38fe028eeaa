import type { Socket } from 'node:net'
import { descriptorOf, isGone } from '../node/socket-handle.js'

/**
 * Whether a peer has reset its connection, in cases where Node may never report it: the server does not read any more; the reset was read together
 * with data (libuv takes that for a clean end); or a write over TLS fails.
 */
export function hasReset({ socket, raw }: { readonly socket: Socket; readonly raw: Socket | undefined }): boolean {
  // After the server's own FIN the kernel refuses every write.
  if (socket.writableEnded) return false
  const tcp = raw ?? socket
  return descriptorOf(tcp) !== undefined && isGone(tcp)
}

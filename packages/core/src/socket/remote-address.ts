import type { Socket } from 'node:net'

/**
 * The client's address for logs and reports: `127.0.0.1:40000`, or a word for what it is instead. A socket remembers its address beyond its close
 * only if it was asked before; otherwise the result is `unknown`.
 */
export function remoteOf({ remoteAddress, remotePort }: Socket, { listensOnPath }: { readonly listensOnPath: boolean }): string {
  if (remoteAddress !== undefined) return `${remoteAddress}:${remotePort}`
  return listensOnPath ? 'a unix domain socket' : 'unknown'
}

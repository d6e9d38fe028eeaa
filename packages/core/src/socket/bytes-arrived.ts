import type { Socket } from 'node:net'

/**
 * Bytes that have arrived on a connection. Over TLS those of records that are not whole count, too: a slow client needs many seconds for one, and until then nothing of
 * it can be decrypted.
 */
export function bytesArrived({ socket, raw }: { readonly socket: Socket; readonly raw: Socket | undefined }): number {
  return (raw ?? socket).bytesRead
}

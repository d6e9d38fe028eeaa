import type { IncomingMessage } from 'node:http'
import { readOn } from '../node/parser.js'
import { setImmediate } from '../node/real-timers.js'
import type { Connection, Exchange } from './connection.js'

/** What TLS may have read of a record and not decrypted yet, at most, in bytes. */
const RECORD = 17_000
/** Reads at most: each is 64 KB, and the kernel keeps 6 MB of a connection that is not read. */
const READS = 1_000

/**
 * A client that has sent FIN in the middle of its request's body has broken off, but where the application does not read the body, nothing reads as far as the FIN.
 * The kernel knows of the FIN, and how many bytes stand before it. If they cannot complete the body, they are read, and everything goes its usual way. A body that
 * may be whole is left alone, since its handler may take its time: so is one without a Content-Length.
 */
export function readToBrokenEnd(connection: Connection): void {
  const { current, inputEnded, raw } = connection
  if (current === undefined || inputEnded || current.req.complete) return
  const length = Number(current.req.headers['content-length'] ?? 0)
  const arrived = length > 0 ? arrivedOf(connection, current.req) : undefined
  if (arrived === undefined) return
  const unread = connection.owner.unacknowledged.beforeFin(connection)
  if (unread === undefined || unread === false || arrived + unread + (raw === undefined ? 0 : RECORD) >= length) return
  read(connection, current, READS)
}

/** How many bytes of the body this process has read, at most; `undefined` where that is not known. */
function arrivedOf({ requests, socket }: Connection, req: IncomingMessage): number | undefined {
  if (!req.readableDidRead) return req.readableLength
  return requests === 1 ? socket.bytesRead - leastHead(req) : undefined
}

/** The length of the request's head, at least: spaces before the values are not known. */
function leastHead({ method = '', url = '', rawHeaders }: IncomingMessage): number {
  let length = `${method} ${url} HTTP/1.1\r\n\r\n`.length
  for (const text of rawHeaders) length += text.length
  // Of each field a colon and the end of the line.
  return length + (rawHeaders.length / 2) * 3
}

function read(connection: Connection, exchange: Exchange, reads: number): void {
  const { socket, current, inputEnded } = connection
  if (reads === 0 || current !== exchange || inputEnded || socket.destroyed) return
  readOn(socket)
  setImmediate(read, connection, exchange, reads - 1)
}

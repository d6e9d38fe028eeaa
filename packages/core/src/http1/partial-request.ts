import type { Socket } from 'node:net'
import type { ConnectionState } from '../events/types.js'
import { hasBegun } from '../node/parser.js'
import { WINDOW } from '../socket/slow-reader.js'

// Whether a part of the next request has arrived, where the count of bytes shows that and not the parser.

/** How much had been read from a connection when no byte of its next request had arrived. */
export interface Marked {
  readonly socket: Socket
  readonly raw: Socket | undefined
  mark: number
  rawMark: number
  readonly rare: { readonly record: Amid | undefined }
  makeRare(): { record: Amid | undefined }
  readonly owner: { readonly timers: { readonly now: number } }
}

/** What had been read of a connection over TLS when it was first seen to be amid a record, and when that was. */
export interface Amid {
  readonly bytes: number
  readonly since: number
}

/** No number: it was not read. */
const UNKNOWN = -1

/** No byte of the next request has arrived yet. */
export function markInput(connection: Marked): void {
  connection.mark = connection.socket.bytesRead
  if (connection.raw !== undefined) connection.rawMark = connection.raw.bytesRead
}

/** The same for a connection over TLS on which many requests follow each other: each number that is read costs 0.3 % of a request. */
export function markRecords(connection: Marked, raw: Socket): void {
  connection.mark = UNKNOWN
  connection.rawMark = raw.bytesRead
}

/**
 * Whether a part of a TLS record has arrived. A request may be in it, and nothing else shows that before the record is whole. Where the mark is unknown, it may also
 * be a whole record without a request: an empty line, which old clients send behind a body. Other records never hold one: a new key, a handshake that is done anew.
 * So it counts only while more of it arrives.
 */
function isAmidRecord(connection: Marked): boolean {
  const { socket, raw, mark, rawMark, rare, owner } = connection
  if (raw === undefined || raw.bytesRead === rawMark || (mark !== UNKNOWN && socket.bytesRead !== mark)) return false
  const { bytesRead: bytes } = raw
  if (rare.record?.bytes !== bytes) connection.makeRare().record = { bytes, since: owner.timers.now }
  else if (owner.timers.now - rare.record.since >= WINDOW) {
    markInput(connection)
    return false
  }
  return true
}

/** The part of a connection that is needed here. */
interface Receiver extends Marked {
  readonly rare: Marked['rare'] & { readonly answering: boolean }
  readonly countsBytes: boolean
  readonly phase: ConnectionState
}

/** Whether a request has begun to arrive, where the count of bytes tells; `undefined`: only the parser knows. */
export function receivingByBytes(connection: Receiver): boolean | undefined {
  const { rare, countsBytes, socket, mark, phase } = connection
  // The request is malformed, or too late: the parser no longer has it.
  if (rare.answering || isAmidRecord(connection)) return true
  if (!countsBytes) return undefined
  if (socket.bytesRead === mark) return false
  // The application may have read bytes before Node parses: a front reads its PROXY line.
  return phase !== 'silent' || socket.readableLength > 0 || hasBegun(socket) === true
}

import type { ConnectionState } from '../events/types.js'
import { hasBegun } from '../node/parser.js'
import { isAmidRecord, type Marked } from './input-mark.js'

/** The part of a connection that is needed here. */
interface Receiver extends Marked {
  readonly rare: { readonly answering: boolean }
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

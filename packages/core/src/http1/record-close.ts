import { performance } from 'node:perf_hooks'
import { type CloseRecord, newCloseRecord } from '../events/close-record.js'
import type { ConnectionState, RequestStage } from '../events/types.js'
import { hasBegun } from '../node/parser.js'
import type { Connection } from './connection.js'
import { isIncomplete } from './exchange.js'

// What is recorded about the end of a connection, for the close event and the connection log.

/**
 * A connection begins to end: records its state, if there is a listener for closes. Only the first call counts; what follows (the server ends its
 * output, the client leaves) belongs to the end.
 */
export function recordClose(connection: Connection): CloseRecord | undefined {
  if (connection.rare.closeRecord !== undefined || !connection.owner.events.hearsClose) return connection.rare.closeRecord
  const request = stageOf(connection)
  const state = stateOf(connection, request !== undefined)
  const record = newCloseRecord(state, request, promiseOf(connection, state))
  connection.makeRare().closeRecord = record
  return record
}

/** The stage of the request that is under way and has no whole answer. A malformed request has been answered when its connection ends. */
function stageOf({ current, phase, socket, mark, rare: { answering, unread } }: Connection): RequestStage | undefined {
  if (current !== undefined) {
    const { res } = current
    if (res.writableFinished) return undefined
    return res.headersSent ? 'sending' : isIncomplete(current) ? 'receiving' : 'handler'
  }
  const mayReceive = phase === 'silent' ? socket.bytesRead !== mark : phase === 'idle' || phase === 'busy'
  // A request that was answered before its body came is not under way. Only this connection's parser is asked: asking all of them costs as much as
  // there are connections.
  return mayReceive && !answering && unread === undefined && hasBegun(socket) === true ? 'receiving' : undefined
}

function stateOf({ phase, socket, mark, rare: { answering }, ending }: Connection, isReceiving: boolean): ConnectionState {
  const isQuiet = phase === 'silent' ? socket.bytesRead === mark : phase === 'idle' && !answering
  if (phase === 'silent' || phase === 'idle') return isQuiet && !isReceiving ? phase : 'busy'
  return phase === 'busy' && ending !== undefined ? 'closing' : phase
}

/** Whether the promise of an idle connection is kept. It is broken if the server is the first to end the connection, before the time is over. */
function promiseOf(connection: Connection, state: ConnectionState): CloseRecord['promise'] {
  if (state !== 'idle' || connection.promised === 0) return 'none'
  const { promiseUntil, rare, inputEnded } = connection
  return !rare.byPeer && !inputEnded && performance.now() < promiseUntil ? 'broken' : 'kept'
}

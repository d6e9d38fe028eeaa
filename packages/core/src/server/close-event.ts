import { performance } from 'node:perf_hooks'
import type { CloseEvent } from '../events/types.js'
import { recordClose } from '../http1/record-close.js'
import { recordSessionClose } from '../http2/record-session-close.js'
import { Session } from '../http2/session.js'
import { recordSocket } from '../socket/record-socket.js'
import type { AnyConnection } from './any-connection.js'

/** The event for a connection that has ended; made only if there is a listener. */
export function closeEvent(
  closed: AnyConnection,
  reason: CloseEvent['reason'],
  first: CloseEvent['first'],
  remote: string,
): CloseEvent {
  const { requests, openedAt, inputEnded } = closed
  const isSession = closed instanceof Session
  const record = isSession ? recordSessionClose(closed) : recordClose(closed)
  if (record !== undefined) recordSocket(record, closed)
  const { state = 'closing', request, isReset = false, promise = 'none', code, tls = false, bytes = NONE } = record ?? {}
  const isLingering = isSession ? closed.lingering : closed.phase === 'lingering'
  return {
    reason,
    first,
    remote,
    requests,
    ms: Math.max(0, Math.round(performance.now() - openedAt)),
    // The linger did not end by the client's FIN.
    state: isLingering && !inputEnded && request === undefined ? 'lingering' : state,
    inFlight: request !== undefined,
    request,
    protocol: isSession ? '2' : '1.1',
    tls,
    bytes,
    reset: isReset,
    promise,
    code,
  }
}

const NONE = Object.freeze({ read: 0, written: 0 })

import type { Connection } from '../http1/connection.js'
import { awaitsBody } from '../http1/exchange.js'
import { isHeldUp } from '../http2/abuse-limits.js'
import { Session } from '../http2/session.js'
import { bytesTaken } from '../node/socket-handle.js'
import type { AnyConnection } from './any-connection.js'

/** What the server waits for a client to take or to send, as a count of bytes: while the count grows, the client is not stalled. */
export interface Awaited {
  readonly kind: 'output' | 'input'
  /** Bytes that the kernel has taken, or that the client has sent. */
  readonly bytes: number
}

/** `undefined`: the server does not wait for the client. */
export function awaitedOf(peer: AnyConnection): Awaited | undefined {
  return peer instanceof Session ? awaitedOfSession(peer) : awaitedOfConnection(peer)
}

function awaitedOfConnection(connection: Connection): Awaited | undefined {
  const { phase, socket, current } = connection
  if (phase !== 'busy' || current === undefined) return undefined
  if (socket.writableLength > 0) return { kind: 'output', bytes: bytesTaken(connection) }
  return awaitsBody(current) ? { kind: 'input', bytes: socket.bytesRead } : undefined
}

/** The same for a session: only if the server waits for the client on every stream. A handler that takes its time is waited for. */
function awaitedOfSession(session: Session): Awaited | undefined {
  const { streams, socket } = session
  if (streams.size === 0) return undefined
  let output = false
  for (const stream of streams.keys()) {
    if (isHeldUp(stream)) output = true
    else if (stream.endAfterHeaders || stream.readableEnded || stream.readableLength >= stream.readableHighWaterMark)
      return undefined
  }
  // PINGs, SETTINGS and the answers to them are no progress.
  return output
    ? { kind: 'output', bytes: bytesTaken(session) - session.answered }
    : { kind: 'input', bytes: socket.bytesRead - session.controlled }
}

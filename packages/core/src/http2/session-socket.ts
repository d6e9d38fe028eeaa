import type { Socket } from 'node:net'
import { tellGone } from '../http/client-gone.js'
import { directCaller } from '../node/call-site.js'
import { destroyBy, patchedSessionSocket, put } from '../node/patched-methods.js'
import { isConnectionError } from '../socket/connection-error.js'
import { beginHalfClosedWait } from '../socket/half-closed-wait.js'
import { hasReset } from '../socket/peer-reset.js'
import { recordSocket } from '../socket/record-socket.js'
import { cutSession, goAway, killSession } from './goaway.js'
import { recordSessionClose } from './record-session-close.js'
import { type Session, sessionOf } from './session.js'

/** `socket.end` below a governed session: Node's own close after the last frame. From here on the connection lingers. */
function end(this: Socket, ...args: unknown[]): Socket {
  const session = sessionOf(this)
  if (session !== undefined && session.streams.size > 0) cutByOthers(session, directCaller(end))
  return endOutput(this, session, args)
}

function endOutput(socket: Socket, session: Session | undefined, args: readonly unknown[]): Socket {
  if (session !== undefined && !session.lingering) {
    recordSessionClose(session)
    session.lingering = true
    session.clearTimer()
    // The client's own GOAWAY, FIN or error was recorded before; otherwise the application ended the session.
    session.ending ??= session.notice ?? (session.inputEnded ? 'client-close' : 'handler')
    session.closedFirst ??= 'server'
    session.owner.sessions.linger(session)
  }
  return Reflect.apply(session?.patched?.end ?? Object.getPrototypeOf(socket).end, socket, args)
}

/**
 * `socket.destroy` below a governed session. Node calls it right after the GOAWAY of a session that ended with an error: the unread input would cause
 * a reset, which deletes the GOAWAY. So it closes output first, unless the connection itself has failed.
 */
function destroy(this: Socket, error?: Error | null): Socket {
  const session = sessionOf(this)
  if (session === undefined || session.released) {
    destroyBy(session?.patched, this, error)
    return this
  }
  const isFailed = isConnectionError(error) && error !== session.given
  if (isFailed) {
    recordSessionClose(session)
    session.byPeer = true
    session.ending ??= 'peer'
    session.closedFirst ??= 'peer'
  } else if (!this.writableEnded) {
    if (session.streams.size > 0) cutByOthers(session, directCaller(destroy))
    endOutput(this, session, [])
  } else if (error !== null && error !== undefined && session.ending === 'handler') session.ending = 'error'
  const bothEnded = this.writableFinished && this.readableEnded
  // A client that has broken the protocol may still send, and has a GOAWAY to read.
  const isOver = isFailed || (session.byPeer && session.ending !== 'error' && session.ending !== 'flood')
  if (!bothEnded && !isOver) return this
  session.released = true
  const record = recordSessionClose(session)
  if (record !== undefined) recordSocket(record, session, session.byPeer ? error : undefined)
  destroyBy(session.patched, this, error)
  return this
}

/** Reports other code that tracks the sockets and destroys this one: no stream on it will be answered. */
function cutByOthers({ streams, raw, inputEnded, lingering, byPeer, owner }: Session, place: string | undefined): void {
  if (streams.size === 0 || lingering || byPeer) return
  if (place === undefined && (inputEnded || raw?.destroyed !== true)) return
  for (const [stream, exchange] of streams) if (!stream.writableFinished) exchange.cut = true
  owner.drain?.cutByOthers(place)
}

/** `socket.emit` below a governed session: it sees the client's FIN before Node acts on it, and the end. */
function emit(this: Socket, event: string | symbol, ...args: unknown[]): boolean {
  const session = sessionOf(this)
  if (session !== undefined) {
    if (event === 'end') onInputEnd(session)
    // Other code may emit the event as well.
    else if (event === 'close' && this.destroyed) session.owner.sessionClosed(session)
  }
  return Reflect.apply(session?.patched?.emit ?? Object.getPrototypeOf(this).emit, this, [event, ...args])
}

/** The client has sent FIN. If streams are in flight, it may wait for its answers within `halfClosed`; if not, the client has gone. */
function onInputEnd(session: Session): void {
  session.inputEnded = true
  session.closedFirst ??= 'peer'
  tellGone(session.http2, session.streams.keys())
  if (session.lingering) return
  if (hasReset(session)) {
    killByPeer(session)
    return
  }
  const { halfClosed } = session.owner.policy
  if (halfClosed > 0) boundAnswers(session, halfClosed)
  if (session.streams.size === 0) goAway(session, 'client-close')
}

function boundAnswers(session: Session, halfClosed: number): void {
  beginHalfClosedWait({
    peer: session,
    ms: halfClosed,
    unacknowledged: session.owner.unacknowledged,
    arm: (ms, look) =>
      session.setTimer(ms, () => {
        if (!session.lingering) look()
      }),
    wasReset: () => killByPeer(session),
    isOver: () => giveUp(session),
  })
}

/** The client has reset the connection; Node has not reported it, a look at the socket has shown it. */
function killByPeer(session: Session): void {
  const record = recordSessionClose(session)
  if (record !== undefined) record.isReset = true
  session.byPeer = true
  session.ending ??= 'peer'
  killSession(session)
}

/** A client that has sent FIN has waited long enough. If it is gone, our writes have failed, which Node does not report over TLS. */
function giveUp(session: Session): void {
  if (session.lingering) return
  if (session.streams.size === 0) {
    session.socket.end()
    return
  }
  session.setTimer(session.owner.policy.linger.quiet, () => giveUp(session))
  cutSession(session, 'half-closed')
}

/** Puts our methods on the socket of a session. */
export function takeOverSocket(session: Session): void {
  const { socket } = session
  session.patched = patchedSessionSocket(socket)
  put(socket, 'end', end)
  put(socket, 'destroy', destroy)
  put(socket, 'emit', emit)
}

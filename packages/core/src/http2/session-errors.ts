import { types } from 'node:util'
import type { CloseReason } from '../events/types.js'
import { errorCode } from '../node/error-code.js'
import { setImmediate } from '../node/real-timers.js'
import { boundFlush } from './goaway.js'
import { recordSessionClose } from './record-session-close.js'
import { CODES, type Session } from './session.js'

/** The errors for which nghttp2 ends a session, and what the client is told instead of Node's INTERNAL_ERROR (RFC 9113 §7). */
const NAMES: ReadonlyMap<unknown, { readonly code: number; readonly reason: CloseReason }> = new Map([
  // The client does not read its answers; it sent too many CONTINUATION frames; it exceeded a limit of Node: empty frames, refused streams, memory.
  [-904, { code: CODES.ENHANCE_YOUR_CALM, reason: 'flood' }],
  [-905, { code: CODES.ENHANCE_YOUR_CALM, reason: 'flood' }],
  [-902, { code: CODES.ENHANCE_YOUR_CALM, reason: 'flood' }],
  [-903, { code: CODES.PROTOCOL_ERROR, reason: 'error' }],
  [-505, { code: CODES.PROTOCOL_ERROR, reason: 'error' }],
  [-510, { code: CODES.STREAM_CLOSED, reason: 'error' }],
  [-522, { code: CODES.FRAME_SIZE_ERROR, reason: 'error' }],
  [-523, { code: CODES.COMPRESSION_ERROR, reason: 'error' }],
  [-524, { code: CODES.FLOW_CONTROL_ERROR, reason: 'error' }],
])

/** Tells a client what it did wrong: replaces `http2.destroy`, by which Node ends a session with an error. */
export function nameErrors(session: Session): void {
  const { http2 } = session
  const { destroy } = http2
  const named = (error?: unknown, code?: number): void => {
    const name = types.isNativeError(error) && 'errno' in error ? NAMES.get(error.errno) : undefined
    if (!types.isNativeError(error) || name === undefined || http2.destroyed) {
      session.given ??= error
      return void Reflect.apply(destroy, http2, [error, code])
    }
    // Over TLS Node goes on reading for a moment, and finds more errors.
    if (session.byPeer) return
    const record = recordSessionClose(session)
    if (record !== undefined) record.code = errorCode(error) || undefined
    session.ending = name.reason
    session.closedFirst ??= 'server'
    session.byPeer = true
    // If a session over TLS were destroyed at once, the GOAWAY could be lost behind a write that is under way.
    http2.goaway(name.code, session.lastStream)
    setImmediate(() => {
      Reflect.apply(destroy, http2, [error, name.code])
      boundFlush(session, session.owner.policy.linger.quiet)
    })
  }
  Object.assign(http2, { destroy: named })
}

import { types } from 'node:util'
import type { CloseReason } from '../events/types.js'
import { codeOf } from '../socket/last-look.js'
import { noteSessionEnd } from './end.js'
import { boundFlush } from './goaway.js'
import { CODES, type Session } from './session.js'

/** What nghttp2 ends a session for, and what Node tells the client, which is INTERNAL_ERROR for everything (RFC 9113 §7). */
const NAMES: ReadonlyMap<unknown, { readonly code: number; readonly reason: CloseReason }> = new Map([
  // Its answers are not read; too many CONTINUATION frames; a limit of Node's: empty frames, refused streams, memory.
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

/** Sees to it that a client which is at fault is told so: by `http2.destroy`, with which Node ends a session for an error. */
export function nameErrors(session: Session): void {
  const { http2 } = session
  const { destroy } = http2
  const named = (error?: unknown, code?: number): void => {
    const name = types.isNativeError(error) && 'errno' in error ? NAMES.get(error.errno) : undefined
    if (!types.isNativeError(error) || name === undefined || http2.destroyed) {
      session.given ??= error
      return void Reflect.apply(destroy, http2, [error, code])
    }
    // Over TLS Node goes on reading for a moment, and finds more.
    if (session.byPeer) return
    const end = noteSessionEnd(session)
    if (end !== undefined) end.code = codeOf(error)
    session.ending = name.reason
    session.closedFirst ??= 'server'
    session.byPeer = true
    // Destroyed at once, a session over TLS may lose the GOAWAY behind a write that is under way.
    http2.goaway(name.code, session.lastStream)
    setImmediate(() => {
      Reflect.apply(destroy, http2, [error, name.code])
      boundFlush(session, session.owner.policy.linger.quiet)
    })
  }
  Object.assign(http2, { destroy: named })
}

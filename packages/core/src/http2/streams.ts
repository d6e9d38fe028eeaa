import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { performance } from 'node:perf_hooks'
import type { AnyRequest, AnyResponse } from '../http/messages.js'
import { respondUnavailable } from '../http/unavailable.js'
import { setImmediate } from '../node/real-timers.js'
import { goawayReason } from '../policy.js'
import { followUpgraded } from '../socket/websocket-output.js'
import { noteReset } from './abuse-limits.js'
import { closeIfDone, forbidPush, goAway, ignoreError } from './goaway.js'
import { recordLostStream } from './record-session-close.js'
import { bindExchange, CODES, exchangeOf, type Http2Owner, type Session, type StreamExchange } from './session.js'
import { takeOverStream } from './stream-methods.js'

/** A stream was opened. It waits for no other stream, but none that arrives after the GOAWAY is handed over. */
export function arriveStream(owner: Http2Owner, stream: ServerHttp2Stream, args: readonly unknown[]): boolean {
  const session = owner.sessions.of(stream.session)
  if (session === undefined) return owner.forward('stream', args)
  if (session.ending !== undefined || (session.lastNamed !== undefined && (stream.id ?? 0) > session.lastNamed)) {
    owner.counts.dropped++
    refuse(stream)
    return true
  }
  session.clearTimer()
  if (session.streams.size === 0) owner.limits.busy(session)
  if (session.excess) owner.limits.enterAnew(session)
  const headers = isFields(args[1]) ? args[1] : {}
  const { tunnel, method, path } = beginExchange(session, stream, headers)
  if (session.notice !== undefined) forbidPush(stream)
  reconsider(session)
  if (session.excess) {
    answerExcess(session, stream, { url: path, method })
    return true
  }
  if (tunnel !== false) {
    const { ':authority': authority, ':protocol': protocol } = headers
    owner.upgraded(session.socket, method, path ?? authority, typeof protocol === 'string' ? protocol : undefined)
  }
  const heard = owner.forward('stream', args)
  if (!heard) keep(stream)
  return heard
}

/** Counts a stream, and puts our methods on it. */
function beginExchange(session: Session, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): StreamExchange {
  const { owner, excess } = session
  const { ':method': method, ':path': path, ':protocol': protocol } = headers
  const tunnel = method === 'CONNECT' && (typeof protocol === 'string' && protocol !== '' ? protocol : method)
  const arrived = performance.now()
  session.requests++
  session.lastStream = stream.id ?? session.lastStream
  if (!excess) owner.counts.received++
  // What runs in a tunnel is no request: this one is answered.
  if (!excess && tunnel !== false) owner.counts.finished++
  owner.drain?.used(arrived)
  const output = tunnel !== false ? followUpgraded(owner.policy, stream, protocol, false) : undefined
  const patched = takeOverStream(stream)
  const exchange: StreamExchange = {
    session,
    arrived,
    method,
    path,
    tunnel,
    output,
    patched,
    cut: false,
    closes: false,
    isFile: false,
    isReset: false,
    isEnded: false,
  }
  bindExchange(stream, exchange)
  stream.on('close', onStreamClose)
  return exchange
}

/** Answers a stream of a connection over a limit: as in HTTP/1.1 no handler runs, but a readiness probe is answered. */
function answerExcess({ owner }: Session, stream: ServerHttp2Stream, request: AnyRequest): void {
  keep(stream)
  if (owner.intercept?.(request, answerOn(stream)) !== true && mayRespond(stream)) respondUnavailable(stream)
  // A body that nothing reads would keep the stream, and so the session. Node 22 closes at once, before the answer is sent.
  if (!stream.endAfterHeaders) stream.once('finish', () => setImmediate(() => stream.close(CODES.NO_ERROR)))
}

/** Listens for errors of a stream that the application does not get: its client may reset it at any time, with any code. */
function keep(stream: ServerHttp2Stream): void {
  stream.on('error', ignoreError)
}

/** Node throws if a response begins on a closed stream. */
function mayRespond({ destroyed, closed }: ServerHttp2Stream): boolean {
  return !destroyed && !closed
}

function answerOn(stream: ServerHttp2Stream): AnyResponse {
  return {
    writeHead: (status, fields) => mayRespond(stream) && stream.respond({ ':status': status, ...fields }),
    // The answer to HEAD has ended with its head.
    end: (body) => stream.writableEnded || stream.end(body),
  }
}

/**
 * The stream was read together with the last one. The GOAWAY says that it was not run, and so does this reset (RFC 9113 §8.7), which waits until the
 * present input is read.
 */
function refuse(stream: ServerHttp2Stream): void {
  keep(stream)
  setImmediate(() => {
    if (!stream.destroyed) stream.close(CODES.REFUSED_STREAM)
  })
}

/** Decides whether the session goes on, from the newest facts. */
function reconsider(session: Session): void {
  const { owner, requests, expiresAt, excess, inputEnded, streams } = session
  const phase = owner.phaseFor(session.openedAt)
  const facts = {
    requests,
    open: streams.size,
    expiresAt,
    excess,
    inputEnded,
    draining: phase === 'draining' || phase === 'drained',
  }
  const reason = goawayReason(owner.policy.keepAlive, facts, performance.now())
  if (reason !== undefined) goAway(session, reason, true)
}

function onStreamClose(this: ServerHttp2Stream): void {
  const exchange = exchangeOf(this)
  if (exchange === undefined || !exchange.session.streams.delete(this)) return
  const { session, arrived } = exchange
  const { owner } = session
  if (exchange.tunnel !== false || session.excess) owner.drain?.check()
  else if (!exchange.cut && isAnsweredWhole(this, exchange)) {
    owner.counts.finished++
    owner.drain?.finished(arrived, this)
  } else if (!exchange.cut || session.byPeer || session.ending === 'half-closed') {
    owner.counts.aborted++
    recordLostStream(session, this, exchange)
    if (!exchange.cut) noteReset(session)
  } else {
    owner.counts.cut++
    recordLostStream(session, this, exchange)
    owner.drain?.wasCut()
  }
  if (session.streams.size > 0) return
  session.lastUsed = performance.now()
  if (session.ending === undefined) reconsider(session)
  if (session.ending === undefined) owner.sessions.goIdle(session)
  else setImmediate(closeIfDone, session)
}

/** Whether the answer is whole, even if the client then broke off its upload. */
function isAnsweredWhole(
  { sentHeaders, writableFinished, aborted }: ServerHttp2Stream,
  { isReset, isEnded }: StreamExchange,
): boolean {
  return sentHeaders !== undefined && writableFinished && !isReset && (isEnded || !aborted)
}

function isFields(value: unknown): value is IncomingHttpHeaders {
  return typeof value === 'object' && value !== null
}

import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { performance } from 'node:perf_hooks'
import { noteReset } from './floods.js'
import { brokenOff, closeIfDone, ignoreError, leave } from './goaway.js'
import { goawayReason } from './policy.js'
import type { AnyResponse } from './requests.js'
import { bindExchange, CODES, exchangeOf, type Session } from './session.js'
import type { Site } from './site.js'
import { follow } from './upgraded.js'

/** A stream was opened. Streams wait for nobody; but none that comes behind the GOAWAY is handed over. */
export function arriveStream(site: Site, stream: ServerHttp2Stream, args: readonly unknown[]): boolean {
  const session = site.sessions.of(stream.session)
  if (session === undefined) return site.forward('stream', args)
  if (session.ending !== undefined) {
    site.counts.dropped++
    refuse(stream)
    return true
  }
  session.clearTimer()
  if (session.streams.size === 0) site.capacity.busy(session)
  session.requests++
  session.lastStream = stream.id ?? session.lastStream
  if (!session.excess) site.counts.received++
  const headers = isFields(args[1]) ? args[1] : {}
  const { ':method': method, ':path': path, ':authority': authority, ':protocol': protocol } = headers
  const tunnel = method === 'CONNECT'
  const arrived = performance.now()
  site.run?.used(arrived)
  const output = tunnel ? follow(site, stream, protocol, false) : undefined
  bindExchange(stream, { session, arrived, method, path, tunnel, output, cut: false })
  if (tunnel) site.counts.finished++
  Object.assign(stream, { destroy: destroyStream })
  stream.on('close', onStreamClose)
  reconsider(session)
  if (tunnel && !session.excess)
    site.upgraded(session.socket, method, path ?? authority, typeof protocol === 'string' ? protocol : undefined)
  if (!session.excess) return site.forward('stream', args)
  // As in HTTP/1.1: no handler, but a readiness probe gets through.
  if (site.intercept?.({ url: path, method }, answerOn(stream)) !== true)
    stream.respond({ ':status': 503, 'retry-after': '1' }, { endStream: true })
  return true
}

function answerOn(stream: ServerHttp2Stream): AnyResponse {
  return {
    writeHead: (status, fields) => stream.respond({ ':status': status, ...fields }),
    end: (body) => stream.end(body),
  }
}

/**
 * `stream.destroy` of a governed stream, and with it `res.destroy()`: without an error Node would reset it with NO_ERROR, and half a body would
 * look whole to many clients.
 */
function destroyStream(this: ServerHttp2Stream, error?: Error): ServerHttp2Stream {
  const exchange = exchangeOf(this)
  const prior: ServerHttp2Stream['destroy'] = Object.getPrototypeOf(this).destroy
  const breaksOff = exchange !== undefined && !exchange.tunnel && !this.closed && this.headersSent && this.state.localClose !== 1
  if (breaksOff && !exchange.session.byPeer) exchange.cut = true
  if (!breaksOff || (error !== undefined && error !== null)) return Reflect.apply(prior, this, [error])
  this.on('error', ignoreError)
  return Reflect.apply(prior, this, [brokenOff()])
}

/** Read in one go with the last one: the GOAWAY says that it was not run, and so does this (RFC 9113 §8.7). Not amid what is being read. */
function refuse(stream: ServerHttp2Stream): void {
  stream.on('error', ignoreError)
  setImmediate(() => {
    if (!stream.destroyed) stream.close(CODES.REFUSED_STREAM)
  })
}

/** Whether the session goes on, from the newest facts. */
function reconsider(session: Session): void {
  const { site, requests, expiresAt, excess, inputEnded, streams } = session
  const phase = site.phaseFor(session.openedAt)
  const facts = {
    requests,
    open: streams.size,
    expiresAt,
    excess,
    inputEnded,
    draining: phase === 'draining' || phase === 'drained',
  }
  const reason = goawayReason(site.policy.keepAlive, facts, performance.now())
  if (reason !== undefined) leave(session, reason, true)
}

function onStreamClose(this: ServerHttp2Stream): void {
  const exchange = exchangeOf(this)
  if (exchange === undefined || !exchange.session.streams.delete(this)) return
  const { session, arrived } = exchange
  const { site } = session
  if (exchange.tunnel) site.run?.check()
  else if (!exchange.cut && isAnsweredWhole(this)) {
    if (!session.excess) site.counts.finished++
    site.run?.finished(arrived)
  } else if (exchange.cut ? session.ending === 'half-closed' : isGivenUp(this, session)) {
    site.counts.aborted++
    if (!exchange.cut) noteReset(session)
  } else {
    site.counts.cut++
    site.run?.wasCut()
  }
  if (session.streams.size > 0) return
  session.lastUsed = performance.now()
  if (session.ending === undefined) reconsider(session)
  if (session.ending === undefined) site.sessions.goIdle(session)
  else setImmediate(closeIfDone, session)
}

/** Also where the client then broke off its upload: no answer was lost. */
function isAnsweredWhole({ sentHeaders, writableFinished, rstCode, aborted }: ServerHttp2Stream): boolean {
  return sentHeaders !== undefined && writableFinished && (rstCode === CODES.NO_ERROR || !aborted)
}

/**
 * The client reset the stream, broke the protocol on it, or went away. Node does not say whose the code is, and a client may send any. The
 * application's `destroy` means NO_ERROR, and leaves the output unfinished, or INTERNAL_ERROR, and leaves an error of its own.
 */
function isGivenUp({ rstCode, errored, aborted, writableFinished }: ServerHttp2Stream, { byPeer }: Session): boolean {
  if (byPeer) return true
  if (rstCode === CODES.NO_ERROR) return aborted && writableFinished
  return rstCode !== CODES.INTERNAL_ERROR || (errored !== null && 'code' in errored && errored.code === 'ERR_HTTP2_STREAM_ERROR')
}

function isFields(value: unknown): value is IncomingHttpHeaders {
  return typeof value === 'object' && value !== null
}

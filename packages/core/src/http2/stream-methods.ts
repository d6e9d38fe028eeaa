import type { ServerHttp2Stream } from 'node:http2'
import { endFilePipe } from '../node/file-pipe.js'
import { below, type PatchedStream, patchedStream, put, type StreamMethod, takeBack } from '../node/patched-methods.js'
import { withoutClose } from './connection-close.js'
import { brokenOff, goAway, ignoreError } from './goaway.js'
import { hasOpenOutput } from './record-session-close.js'
import { CODES, exchangeOf, type StreamExchange } from './session.js'

/** Puts our methods on a stream, over those of other code. By Object.assign if there are none: one by one costs several times as much. */
export function takeOverStream(stream: ServerHttp2Stream): PatchedStream | undefined {
  const patched = patchedStream(stream)
  if (patched === undefined) Object.assign(stream, METHODS)
  else for (const [name, method] of Object.entries(METHODS)) put(stream, name, method)
  return patched
}

function priorOf<K extends StreamMethod>(stream: ServerHttp2Stream, name: K): ServerHttp2Stream[K] {
  return exchangeOf(stream)?.patched?.[name] ?? below(stream, name, METHODS[name])
}

/**
 * Whether the application, or Node for it, ends a stream before its answer is whole. A client that has reset the stream, or gone, is no such case.
 */
function isBrokenOff(stream: ServerHttp2Stream, { session, tunnel }: StreamExchange): boolean {
  return tunnel === false && !stream.closed && !session.byPeer && !session.socket.destroyed && stream.state.localClose !== 1
}

/**
 * `stream.destroy` of a governed stream, also by `res.destroy()`. Without an error Node would reset the stream with NO_ERROR, and half a body would
 * look whole to many clients. The error never comes from the client, although that of an upstream looks the same.
 */
function destroy(this: ServerHttp2Stream, error?: Error): ServerHttp2Stream {
  const exchange = exchangeOf(this)
  const prior = priorOf(this, 'destroy')
  const breaksOff = exchange !== undefined && isBrokenOff(this, exchange)
  if (breaksOff) exchange.cut = true
  if (exchange?.isFile === true && hasOpenOutput(this)) exchange.isReset = true
  if (exchange?.isFile === true) endFilePipe(this, exchange.session.owner.timers)
  if (!breaksOff || !this.headersSent || (error !== undefined && error !== null)) return Reflect.apply(prior, this, [error])
  this.on('error', ignoreError)
  return Reflect.apply(prior, this, [brokenOff()])
}

/**
 * `stream.close` of a governed stream. With a code, the application resets the stream; without one Node ends the answer as it is. Without an answer the
 * stream is broken off.
 */
function close(this: ServerHttp2Stream, code: number = CODES.NO_ERROR, callback?: () => void): void {
  const exchange = exchangeOf(this)
  if (exchange !== undefined && !this.closed) {
    if (code === CODES.NO_ERROR && this.headersSent) exchange.isEnded = true
    else if (isBrokenOff(this, exchange)) exchange.cut = true
    if (code !== CODES.NO_ERROR && this.headersSent && !this.writableEnded) {
      resetWithoutEnd(this, code, callback)
      return
    }
  }
  Reflect.apply(priorOf(this, 'close'), this, [code, callback])
}

/** Node ends the output before it resets a stream: the client would see END_STREAM first, and half a body would look whole. */
function resetWithoutEnd(stream: ServerHttp2Stream, code: number, callback: (() => void) | undefined): void {
  const own = Object.hasOwn(stream, 'end') ? stream.end : undefined
  const end = () => stream
  put(stream, 'end', end)
  try {
    Reflect.apply(priorOf(stream, 'close'), stream, [code, callback])
  } finally {
    takeBack(stream, 'end', end, own)
  }
}

/** `stream.respond` of a governed stream: its fields may say close. */
function respond(this: ServerHttp2Stream, fields: unknown, options?: unknown): void {
  Reflect.apply(priorOf(this, 'respond'), this, [withoutClose(this, fields), options])
  leaveIfClosing(this)
}

function respondWithFile(this: ServerHttp2Stream, path: unknown, fields?: unknown, options?: unknown): void {
  noteFile(this)
  Reflect.apply(priorOf(this, 'respondWithFile'), this, [path, withoutClose(this, fields), options])
  leaveIfClosing(this)
}

function respondWithFD(this: ServerHttp2Stream, fd: unknown, fields?: unknown, options?: unknown): void {
  noteFile(this)
  Reflect.apply(priorOf(this, 'respondWithFD'), this, [fd, withoutClose(this, fields), options])
  leaveIfClosing(this)
}

/** The response is a file: Node ends the stream at once and pipes the file past it, so the stream's own state does not show its end. */
function noteFile(stream: ServerHttp2Stream): void {
  const exchange = exchangeOf(stream)
  if (exchange !== undefined) exchange.isFile = true
}

function leaveIfClosing(stream: ServerHttp2Stream): void {
  const exchange = exchangeOf(stream)
  if (exchange?.closes === true) goAway(exchange.session, 'handler', true)
}

/** `stream.pushStream` of a governed stream: the client may reset the pushed stream with any code, and few applications listen for that error. */
function pushStream(this: ServerHttp2Stream, ...args: unknown[]): void {
  const exchange = exchangeOf(this)
  const heeded = args.map((arg) => (isCallback(arg) ? heeding(arg, exchange) : arg))
  Reflect.apply(priorOf(this, 'pushStream'), this, heeded)
}

type Callback = (...args: unknown[]) => unknown

function isCallback(value: unknown): value is Callback {
  return typeof value === 'function'
}

function heeding(callback: Callback, exchange: StreamExchange | undefined): Callback {
  return (error, pushed, ...rest) => {
    if (isStream(pushed)) keepPushed(pushed, exchange)
    return callback(error, pushed, ...rest)
  }
}

function isStream(value: unknown): value is ServerHttp2Stream {
  return typeof value === 'object' && value !== null && 'pushAllowed' in value && 'on' in value
}

function keepPushed(pushed: ServerHttp2Stream, exchange: StreamExchange | undefined): void {
  pushed.on('error', ignoreError)
  if (exchange === undefined) return
  const { destroy: prior } = pushed
  const { timers } = exchange.session.owner
  put(pushed, 'destroy', (error?: Error) => {
    endFilePipe(pushed, timers)
    return Reflect.apply(prior, pushed, [error])
  })
}

const METHODS = { destroy, close, respond, respondWithFile, respondWithFD, pushStream }

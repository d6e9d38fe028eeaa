import type { ServerHttp2Stream } from 'node:http2'
import { endFilePipe } from '../node/file-pipe.js'
import { below, type OwnOfStream, ownOfStream, put, type StreamMethod } from '../node/own-methods.js'
import { withoutClose } from './close-field.js'
import { brokenOff, ignoreError, leave } from './goaway.js'
import { CODES, exchangeOf, IDLE, type StreamExchange } from './session.js'

/** Puts our methods on a stream, over what others had put there. In one go where nobody had: one by one costs several times as much. */
export function takeOverStream(stream: ServerHttp2Stream): OwnOfStream | undefined {
  const own = ownOfStream(stream)
  if (own === undefined) Object.assign(stream, METHODS)
  else for (const [name, method] of Object.entries(METHODS)) put(stream, name, method)
  return own
}

function priorOf<K extends StreamMethod>(stream: ServerHttp2Stream, name: K): ServerHttp2Stream[K] {
  return exchangeOf(stream)?.own?.[name] ?? below(stream, name, METHODS[name])
}

/** Whether the application, or Node for it, ends a stream before its answer is whole: not its client, which has reset it or gone, and not behind the end. */
function isBrokenOff(stream: ServerHttp2Stream, { session, tunnel }: StreamExchange): boolean {
  return tunnel === false && !stream.closed && !session.byPeer && !session.socket.destroyed && stream.state.localClose !== 1
}

/**
 * `stream.destroy` of a governed stream, and with it `res.destroy()`: without an error Node would reset it with NO_ERROR, and half a body would
 * look whole to many clients. Whatever the error is, it is not the client's: an upstream's looks the same.
 */
function destroy(this: ServerHttp2Stream, error?: Error): ServerHttp2Stream {
  const exchange = exchangeOf(this)
  const prior = priorOf(this, 'destroy')
  const breaksOff = exchange !== undefined && isBrokenOff(this, exchange)
  if (breaksOff) exchange.cut = true
  if (exchange?.isFile === true && this.closed && isAmid(this)) exchange.isReset = true
  if (exchange?.isFile === true) endFilePipe(this, exchange.session.owner.timers)
  if (!breaksOff || !this.headersSent || (error !== undefined && error !== null)) return Reflect.apply(prior, this, [error])
  this.on('error', ignoreError)
  return Reflect.apply(prior, this, [brokenOff()])
}

/** Of a stream that has just been closed: its output has not ended, so that its client has reset it. Later nobody can tell. */
function isAmid(stream: ServerHttp2Stream): boolean {
  const { state, localClose } = stream.state
  return localClose === 0 && state !== IDLE
}

/** `stream.close` of a governed stream: with a code it is a reset, and not the client's; without one Node ends the answer as it is. */
function close(this: ServerHttp2Stream, code: number = CODES.NO_ERROR, callback?: () => void): void {
  const exchange = exchangeOf(this)
  if (exchange !== undefined && !this.closed) {
    if (code === CODES.NO_ERROR) exchange.isEnded = true
    else if (isBrokenOff(this, exchange)) exchange.cut = true
  }
  Reflect.apply(priorOf(this, 'close'), this, [code, callback])
}

/** `stream.respond` of a governed stream: its response may have said close. */
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

/** Node ends the stream at once, and pipes the file past it: what it says of its end is not true. */
function noteFile(stream: ServerHttp2Stream): void {
  const exchange = exchangeOf(stream)
  if (exchange !== undefined) exchange.isFile = true
}

function leaveIfClosing(stream: ServerHttp2Stream): void {
  const exchange = exchangeOf(stream)
  if (exchange?.closes === true) leave(exchange.session, 'handler', true)
}

/** `stream.pushStream` of a governed stream: its client may reset what is pushed, with any code, and hardly an application listens for that. */
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

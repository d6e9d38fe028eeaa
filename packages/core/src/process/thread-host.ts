import { EventEmitter } from 'node:events'
import { BroadcastChannel, threadId } from 'node:worker_threads'
import type { WarningCode } from '../errors/codes.js'
import { setTimeout } from '../node/real-timers.js'
import { placeRelay } from './place-thread-relay.js'
import type { SignalHost } from './signal-host.js'
import { CHANNEL, isFromMain, type ThreadMessage } from './thread-messages.js'

type Listener = (...args: unknown[]) => void

/** How long the main thread has to answer before a relay is put there, in ms. It may be busy: then it gets the message twice, which does no harm. */
const ANSWER_WITHIN = 20

/**
 * The process, as the coordinator of a worker thread sees it. Only the main thread gets signals. Its coordinator passes them on over a channel of
 * halfclose, apart from the application's messages; to end the process, the thread tells it that it has left.
 */
export class ThreadHost implements SignalHost {
  readonly #emitter = new EventEmitter()
  readonly #warn: (message: string, code: WarningCode) => void
  #channel: BroadcastChannel | undefined
  #welcomed = false
  /** How many other listeners the signal has in the main thread. */
  #others = 0

  constructor(warn: (message: string, code: WarningCode) => void) {
    this.#warn = warn
  }

  on(event: string, listener: Listener): void {
    if (isOfProcess(event)) process.on(event, listener)
    else this.#add(event, listener)
  }

  prependListener(event: string, listener: Listener): void {
    this.on(event, listener)
  }

  off(event: string, listener: Listener): void {
    if (isOfProcess(event)) {
      process.off(event, listener)
      return
    }
    this.#emitter.off(event, listener)
    if (this.#reasons().length === 0) this.#close()
    else this.#join()
  }

  listenerCount(event: string): number {
    return this.#emitter.listenerCount(event) + this.#others
  }

  get exitCode(): number | string | null | undefined {
    return process.exitCode
  }

  set exitCode(code: number | string | null | undefined) {
    process.exitCode = code ?? undefined
  }

  /** The thread goes on running: the process ends when everything in it has left. */
  exit(code?: number): void {
    this.#post({ from: 'thread', thread: threadId, what: 'left', code: code ?? Number(process.exitCode ?? 0) })
  }

  #add(event: string, listener: Listener): void {
    this.#emitter.on(event, listener)
    this.#open()
    this.#join()
  }

  #open(): void {
    if (this.#channel !== undefined) return
    this.#channel = new BroadcastChannel(CHANNEL)
    this.#channel.onmessage = (event: unknown) => this.#heard(event)
    this.#channel.unref()
    process.on('exit', this.#gone)
    setTimeout(() => this.#insist(), ANSWER_WITHIN).unref()
  }

  #close(): void {
    this.#gone()
    this.#channel?.close()
    this.#channel = undefined
    this.#welcomed = false
    process.off('exit', this.#gone)
  }

  readonly #gone = () => this.#post({ from: 'thread', thread: threadId, what: 'gone' })

  #join(): void {
    this.#post({ from: 'thread', thread: threadId, what: 'join', reasons: this.#reasons() })
  }

  #reasons(): string[] {
    return this.#emitter.eventNames().map((event) => (event === 'message' ? 'shutdown' : String(event)))
  }

  #heard(event: unknown): void {
    const message = typeof event === 'object' && event !== null && 'data' in event ? event.data : undefined
    if (!isFromMain(message)) return
    if (message.what === 'here') this.#join()
    if (message.thread !== threadId) return
    if (message.what === 'welcome') this.#welcomed = true
    else if (message.what === 'ping') this.#post({ from: 'thread', thread: threadId, what: 'pong' })
    else if (message.what === 'leave') {
      this.#others = message.others
      if (message.reason === 'shutdown') this.#emitter.emit('message', 'shutdown')
      else this.#emitter.emit(message.reason)
    }
  }

  /** Puts a relay into the main thread, if no coordinator there has answered. */
  #insist(): void {
    if (this.#welcomed || this.#channel === undefined) return
    placeRelay().catch((error: unknown) => {
      if (!this.#welcomed) this.#warn(unreachable(error), 'HALFCLOSE_SIGNALS_OUT_OF_REACH')
    })
  }

  #post(message: ThreadMessage): void {
    this.#channel?.postMessage(message)
  }
}

function isOfProcess(event: string): event is 'exit' | 'beforeExit' {
  return event === 'exit' || event === 'beforeExit'
}

function unreachable(error: unknown): string {
  return (
    'halfclose: `signals` in a worker thread: signals reach the main thread only, and nothing there passes them on ' +
    `(${error instanceof Error ? error.message : String(error)}): a signal kills the requests of this thread. Let the main thread govern a server with ` +
    '`signals: true`, or listen to the signal there, and have this thread call `connections.drain()`'
  )
}

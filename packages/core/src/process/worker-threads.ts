import { performance } from 'node:perf_hooks'
import { BroadcastChannel, type Worker } from 'node:worker_threads'
import type { WarningCode } from '../errors/codes.js'
import { clearInterval, setInterval } from '../node/real-timers.js'
import type { Coordinator } from './signal-host.js'
import type { LeaveRequest, Participant } from './signal-participant.js'
import { CHANNEL, isFromThread, type MainMessage } from './thread-messages.js'

/** How often a leaving thread is asked whether it still exists, and how long it may be silent, in ms: a terminated thread sends nothing. */
const ASK = 1_000
const SILENT_AT_MOST = 15_000

const RELAY = Symbol.for('halfclose.signals.relay')
/** Set on the process while its coordinator admits threads. */
const ADMITS = Symbol.for('halfclose.signals.threads')

/** Lets the applications of worker threads take part in the main thread's coordinator, until the returned function is called. */
export function admitThreads(coordinator: Coordinator): () => void {
  const dismissRelay: unknown = Reflect.get(process, RELAY)
  if (typeof dismissRelay === 'function') dismissRelay()
  const threads = new Map<number, { participant: RemoteThread; off: () => void }>()
  const channel = new BroadcastChannel(CHANNEL)
  channel.unref()
  const post = (message: MainMessage) => channel.postMessage(message)
  const forget = (thread: number): void => {
    const known = threads.get(thread)
    threads.delete(thread)
    known?.off()
    known?.participant.isGone()
  }
  channel.onmessage = (event: unknown) => {
    const message = typeof event === 'object' && event !== null && 'data' in event ? event.data : undefined
    if (!isFromThread(message)) return
    const { thread } = message
    const known = threads.get(thread)
    known?.participant.isAlive()
    if (message.what === 'join') {
      // The thread may listen to more signals by now.
      if (known === undefined || !isEqual(known.participant.signals, message.reasons)) {
        const participant = known?.participant ?? new RemoteThread(thread, channel, post)
        participant.signals = message.reasons
        const off = coordinator.join(participant)
        if (known === undefined) threads.set(thread, { participant, off })
      }
      post({ from: 'main', thread, what: 'welcome' })
    } else if (message.what === 'left') known?.participant.hasLeft(message.code)
    else if (message.what === 'gone') forget(thread)
  }
  // A terminated thread sends nothing any more.
  const onWorker = (worker: Worker): void => {
    const { threadId } = worker
    worker.once('exit', () => forget(threadId))
  }
  process.on('worker', onWorker)
  Object.defineProperty(process, ADMITS, { value: true, configurable: true })
  post({ from: 'main', thread: 0, what: 'here' })
  return () => {
    Reflect.deleteProperty(process, ADMITS)
    process.off('worker', onWorker)
    channel.close()
  }
}

/** The applications of one worker thread. */
class RemoteThread implements Participant {
  readonly name: string
  signals: readonly string[] = []
  readonly #thread: number
  readonly #channel: BroadcastChannel
  readonly #post: (message: MainMessage) => void
  #heardAt = 0
  #code = 0
  #gone = false
  #settle: (clean: boolean) => void = () => {}

  constructor(thread: number, channel: BroadcastChannel, post: (message: MainMessage) => void) {
    this.name = `worker thread ${thread}`
    this.#thread = thread
    this.#channel = channel
    this.#post = post
  }

  async leave({ reason }: LeaveRequest): Promise<boolean> {
    if (this.#gone) return true
    const left = new Promise<boolean>((resolve) => {
      this.#settle = resolve
    })
    this.isAlive()
    this.#channel.ref()
    // The main thread itself waits for the work of its other listeners after the drain.
    this.#post({ from: 'main', thread: this.#thread, what: 'leave', reason, others: 0 })
    const asking = setInterval(() => this.#ask(), ASK)
    const clean = await left
    clearInterval(asking)
    this.#channel.unref()
    return clean
  }

  progress(): string {
    return 'has not left yet'
  }

  warn(message: string, code: WarningCode = 'HALFCLOSE_CLOSE_FAILED'): void {
    process.emitWarning(message, { type: 'HalfcloseWarning', code })
  }

  exitCode(): number {
    return this.#code
  }

  isAlive(): void {
    this.#heardAt = performance.now()
  }

  hasLeft(code: number): void {
    this.#code = code
    this.#settle(code === 0)
  }

  /** The thread has ended, or governs nothing any more. If it was leaving, it did not leave cleanly. */
  isGone(): void {
    this.#gone = true
    this.#settle(false)
  }

  #ask(): void {
    if (performance.now() - this.#heardAt > SILENT_AT_MOST) {
      this.warn(`halfclose: ${this.name} does not answer any more: the process does not wait for it`)
      this.#settle(false)
    } else this.#post({ from: 'main', thread: this.#thread, what: 'ping' })
  }
}

function isEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((reason, index) => reason === other[index])
}

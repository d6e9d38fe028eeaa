import { CHANNEL } from './thread-messages.js'

/**
 * Runs in a main thread that has no coordinator: it passes signals on to the worker threads that have joined, and ends the process when all of them
 * have left. It is sent there as text, so it must not refer to anything outside. A coordinator that is created later stops it.
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: it is carried over as text, as a whole
function relay(main: NodeJS.Process, channelName: string): string {
  const key = Symbol.for('halfclose.signals.relay')
  if (Symbol.for('halfclose.signals.threads') in main || key in main) return 'there'
  const coordinator: unknown = Reflect.get(main, Symbol.for('halfclose.signals'))
  if (coordinator !== undefined && !(Object(coordinator).version >= 2)) throw new Error('an older halfclose is there')
  const { BroadcastChannel } = main.getBuiltinModule('node:worker_threads')
  const channel = new BroadcastChannel(channelName)
  channel.unref()
  const threads = new Map<number, readonly string[]>()
  const left = new Set<number>()
  const listeners = new Map<string, (message?: unknown) => void>()
  const emitter: NodeJS.EventEmitter = main
  /** When each leaving thread was last heard of: a terminated thread sends nothing. */
  const heard = new Map<number, number>()
  let worst = 0
  let told = 0
  let reasonTold = ''
  let others = 0
  let ending = false
  const isOver = () => [...threads.keys()].every((thread) => left.has(thread))
  const finish = () => {
    const end = () => main.exit(worst > 0 ? worst : undefined)
    // A code of 128 or more comes from a thread that was told to leave a second time.
    if (worst >= 128) end()
    if (told === 0 || ending || !isOver()) return
    if (others === 0) end()
    // Other listeners of the signal have time until the event loop is empty, 5 s at most.
    ending = true
    main.on('beforeExit', end)
    setTimeout(end, 5_000).unref()
  }
  const died = (thread: number) => {
    if (!threads.delete(thread) || told === 0 || left.has(thread)) return
    worst = Math.max(worst, 1)
  }
  const ask = () => {
    for (const thread of threads.keys()) {
      if (left.has(thread)) continue
      const at = heard.get(thread) ?? performance.now()
      heard.set(thread, at)
      if (performance.now() - at > 15_000) died(thread)
      else channel.postMessage({ from: 'main', thread, what: 'ping' })
    }
    finish()
  }
  const tellOne = (thread: number) => {
    channel.postMessage({ from: 'main', thread, what: 'leave', reason: reasonTold, others })
  }
  const tell = (reason: string) => {
    if (told === 0) {
      others = reason === 'shutdown' ? 0 : main.listenerCount(reason) - 1
      setInterval(ask, 1_000).unref()
      // The last thread may have ended without a message, and nothing else kept the process alive.
      main.on('exit', (code) => {
        if (!isOver() && code === 0) main.exitCode = 1
      })
    }
    reasonTold = reason
    for (const thread of threads.keys()) tellOne(thread)
    // A busy thread hears nothing.
    if (++told > 3 + others) main.exit(1)
    finish()
  }
  const listen = () => {
    const wanted = new Set([...threads.values()].flat())
    for (const [reason, listener] of listeners) {
      if (wanted.has(reason) || told > 0) continue
      listeners.delete(reason)
      main.off(reason === 'shutdown' ? 'message' : reason, listener)
    }
    for (const reason of wanted) {
      if (listeners.has(reason)) continue
      const listener = (message?: unknown) => {
        if (reason !== 'shutdown' || message === 'shutdown') tell(reason)
      }
      listeners.set(reason, listener)
      // Before listeners that are called once, so that they are counted, too.
      if (reason === 'shutdown') main.on('message', listener)
      else emitter.prependListener(reason, listener)
    }
  }
  channel.onmessage = (event: unknown) => {
    const message: unknown = Object(event).data
    const { from, thread, what, reasons, code } = Object(message)
    if (from !== 'thread') return
    heard.set(thread, performance.now())
    if (what === 'join') {
      const isLate = told > 0 && !threads.has(thread)
      threads.set(thread, reasons)
      channel.postMessage({ from: 'main', thread, what: 'welcome' })
      if (isLate) tellOne(thread)
      listen()
    } else if (what === 'gone') {
      died(thread)
      listen()
      finish()
    } else if (what === 'left') {
      left.add(thread)
      worst = Math.max(worst, code)
      finish()
    }
  }
  Object.defineProperty(main, key, {
    configurable: true,
    value: () => {
      threads.clear()
      listen()
      channel.close()
      Reflect.deleteProperty(main, key)
    },
  })
  channel.postMessage({ from: 'main', thread: 0, what: 'here' })
  return 'placed'
}

/** A program for the main thread. What is published has it as a string (scripts/bundle.mjs): a bundler of the application may change functions. */
export const RELAY = `(${relay.toString()})(process, ${JSON.stringify(CHANNEL)})`

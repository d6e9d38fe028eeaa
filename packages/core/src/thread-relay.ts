import { CHANNEL } from './thread-messages.js'

/**
 * Runs in the main thread of a process whose main thread has no coordinator: passes signals on to the worker threads that have joined, and ends the process
 * when all of them have left. It is carried there as text, so that it refers to nothing outside; a coordinator that comes later dismisses it.
 */
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
  let worst = 0
  let told = 0
  const finish = () => {
    // From 128 on it is a thread that was told a second time.
    if (worst >= 128 || (told > 0 && [...threads.keys()].every((thread) => left.has(thread))))
      main.exit(worst > 0 ? worst : undefined)
  }
  const tell = (reason: string) => {
    const others = reason === 'shutdown' ? 0 : main.listenerCount(reason) - 1
    for (const thread of threads.keys()) channel.postMessage({ from: 'main', thread, what: 'leave', reason, others })
    // A thread that is busy hears nothing.
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
      main.on(reason === 'shutdown' ? 'message' : reason, listener)
    }
  }
  channel.onmessage = (event: unknown) => {
    const message: unknown = Object(event).data
    const { from, thread, what, reasons, code } = Object(message)
    if (from !== 'thread') return
    if (what === 'join') {
      threads.set(thread, reasons)
      channel.postMessage({ from: 'main', thread, what: 'welcome' })
      listen()
    } else if (what === 'gone') {
      threads.delete(thread)
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

/**
 * Puts the relay into the main thread, by the inspector, which is the only public way for a worker thread to run something there. No debugger is needed
 * or attached, and no port is opened. Rejects where there is no inspector, or where it may not be used.
 */
export async function placeRelay(): Promise<void> {
  const { Session } = await import('node:inspector')
  const session = new Session()
  session.connectToMainThread()
  try {
    await new Promise<void>((resolve, reject) => {
      const expression = `(${relay.toString()})(process, ${JSON.stringify(CHANNEL)})`
      session.post('Runtime.evaluate', { expression, returnByValue: true }, (error, answer) => {
        if (error !== null) reject(error)
        else if (answer.exceptionDetails !== undefined) reject(new Error(answer.exceptionDetails.text))
        else resolve()
      })
    })
  } finally {
    session.disconnect()
  }
}

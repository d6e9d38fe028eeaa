import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Host } from './host.js'
import { patience } from './wait.js'

export interface Remote {
  /** What each client got, and how its connection ended if it did. */
  results: Promise<{ text: string; ending: string }[]>
}

export interface RemoteOptions {
  count: number
  /** Have a first request answered beforehand; otherwise connect only after the delay. */
  warm: boolean
  /** Milliseconds between `ready` and the request for /late. */
  delay: number
  /** Milliseconds after the answer to that until a request for /again, if there is to be one. */
  again?: number
}

/** Clients in a thread of their own: they go on while this thread is blocked. Resolves once they are ready. */
export async function remoteClients(host: Host, options: RemoteOptions): Promise<Remote> {
  const workerData = { port: host.port, tls: host.tls, patience, ...options }
  const worker = new Worker(join(__dirname, 'remote-worker.mjs'), { workerData })
  await once(worker, 'message')
  const results = once(worker, 'message').then(async ([found]) => {
    await worker.terminate()
    return found as { text: string; ending: string }[]
  })
  return { results }
}

/**
 * The event loop stands still: nothing of this process runs, and nothing burns. After a check phase, as after any handler of I/O, timers
 * come before the input; blocked inside a timer, the loop would look at the input first.
 */
export async function blockLoop(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

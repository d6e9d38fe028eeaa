import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Host } from './host.js'
import { patience } from './wait.js'

export interface Remote {
  /** What each client received, and how its connection ended, if it did. */
  results: Promise<{ text: string; ending: string }[]>
}

export interface RemoteOptions {
  count: number
  /** Whether the first request is answered beforehand; otherwise the clients connect only after the delay. */
  warm: boolean
  /** Milliseconds between `ready` and the request for /late. */
  delay: number
  /** Milliseconds between that answer and a request for /again; without it there is none. */
  again?: number
}

/** Clients in a thread of their own: they go on while this thread is blocked. Resolves when they are ready. */
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
 * Blocks the event loop, without using the CPU. It blocks in a check phase, because timers then run before the input is read, as after a blocking I/O
 * handler. If a timer blocked, the loop would read the input first.
 */
export async function blockLoop(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

import { once } from 'node:events'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { patience } from '../wait.js'
import type { H2Host } from './host.js'

/** What one session received on its only stream. */
export interface Late {
  path: string
  text: string
  /** The last stream of a GOAWAY with NO_ERROR. */
  last?: number
  error?: string
}

/** Real clients in a thread of their own, which go on while this thread is blocked. Resolves when they are ready. */
export async function remoteSessions(host: H2Host, count: number, delay: number): Promise<{ results: Promise<Late[]> }> {
  const workerData = { port: host.port, tls: host.tls, patience, count, delay }
  const worker = new Worker(join(__dirname, 'remote-worker.mjs'), { workerData })
  await once(worker, 'message')
  const results = once(worker, 'message').then(async ([found]: Late[][]) => {
    await worker.terminate()
    return found ?? []
  })
  return { results }
}

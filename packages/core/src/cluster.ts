/**
 * `@halfclose/core/cluster`: a rolling restart of a `node:cluster`, for its primary. The primary holds the listening socket, so the
 * listener outlives every worker: no connection is refused or lost in an accept queue, whatever the proxy in front does.
 */
import cluster, { type Worker } from 'node:cluster'
import { HalfcloseTypeError } from './errors.js'

export interface RestartOptions {
  /** Milliseconds in which a new worker has to listen. Default 10_000. */
  startWithin?: number | undefined
  /** Milliseconds after SIGTERM at which an old worker is killed, more than its drain's deadline. Default 30_000. */
  killAfter?: number | undefined
  /** Environment variables of the new worker, besides those of the primary. */
  env?: Readonly<Record<string, string>> | undefined
}

export interface RollingRestartOptions extends RestartOptions {
  /** Called after each worker, to show progress. */
  onRestart?: ((restart: Restart) => void) | undefined
}

/** One worker, replaced. */
export interface Restart {
  readonly worker: Worker
  /** Milliseconds from SIGTERM to the old worker's end. */
  readonly ms: number
  readonly code: number | null
  readonly signal: string | null
  /** It exited by itself with code 0: nothing was cut. */
  readonly clean: boolean
}

/**
 * Replaces every worker, one after another, the oldest first: the new one listens before the old one is told to go. The workers answer
 * SIGTERM by themselves (`signals: true`, or a handler that drains).
 *
 * Rejects with `HALFCLOSE_NOT_PRIMARY` in a worker, and with `HALFCLOSE_WORKER_NOT_LISTENING` where a new worker ends or does not
 * listen in time: it is killed, and the workers not replaced by then go on serving.
 */
export async function rollingRestart(options: RollingRestartOptions = {}): Promise<readonly Restart[]> {
  assertPrimary()
  const restarts: Restart[] = []
  for (const worker of Object.values(cluster.workers ?? {})) {
    if (worker === undefined) continue
    const restart = await restartWorker(worker, options)
    restarts.push(restart)
    options.onRestart?.(restart)
  }
  return restarts
}

/** Replaces one worker, as {@link rollingRestart} does. */
export async function restartWorker(old: Worker, options: RestartOptions = {}): Promise<Restart> {
  assertPrimary()
  const { startWithin = 10_000, killAfter = 30_000, env = {} } = options
  const worker = await start(startWithin, env)
  const { ms, code, signal } = await stop(old, killAfter)
  return { worker, ms, code, signal, clean: code === 0 }
}

function assertPrimary(): void {
  if (cluster.isPrimary) return
  const message = 'halfclose: a rolling restart is the business of the primary of a cluster: call it where `cluster.isPrimary`'
  throw new HalfcloseTypeError('HALFCLOSE_NOT_PRIMARY', message)
}

function start(within: number, env: Readonly<Record<string, string>>): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const worker = cluster.fork(env)
    const settle = () => {
      clearTimeout(timer)
      worker.off('listening', onListening)
      worker.off('exit', onExit)
    }
    const onListening = () => {
      settle()
      resolve(worker)
    }
    const fail = (why: string) => {
      settle()
      const message = `halfclose: the new worker ${worker.process.pid} ${why}; the old ones go on serving`
      reject(new HalfcloseTypeError('HALFCLOSE_WORKER_NOT_LISTENING', message))
    }
    const onExit = (code: number | null, signal: string | null) =>
      fail(`ended (${signal ?? `exit code ${code}`}) before it listened`)
    const timer = setTimeout(() => {
      fail(`did not listen within ${within} ms`)
      worker.process.kill('SIGKILL')
    }, within)
    worker.once('listening', onListening)
    worker.once('exit', onExit)
  })
}

function stop(worker: Worker, killAfter: number): Promise<{ ms: number; code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    const began = performance.now()
    const timer = setTimeout(() => worker.process.kill('SIGKILL'), killAfter)
    const ended = (code: number | null, signal: string | null) => {
      clearTimeout(timer)
      resolve({ ms: performance.now() - began, code, signal })
    }
    if (worker.isDead()) {
      ended(worker.process.exitCode, worker.process.signalCode)
      return
    }
    worker.once('exit', ended)
    // Not worker.kill(): that takes the worker off the primary first, before its drain has seen the accept queue.
    worker.process.kill('SIGTERM')
  })
}

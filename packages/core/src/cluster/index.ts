/**
 * `@halfclose/core/cluster`: a rolling restart of a `node:cluster`, for its primary. The primary holds the listening socket, so the
 * listener outlives every worker: no connection is refused or lost in an accept queue, whatever the proxy in front does.
 */
import cluster, { type Address, type Worker } from 'node:cluster'
import { performance } from 'node:perf_hooks'
import { HalfcloseTypeError } from '../errors/errors.js'
import { Timers } from '../node/timers.js'
import { count, duration, plainObject } from '../options/rules.js'

/** How one worker is replaced. */
export interface RestartOptions {
  /** Milliseconds in which a new worker has to listen. Default 10_000. */
  startWithin?: number | undefined
  /** The port on which a new worker has to listen before the old one is told to go, where workers listen on several. Default: any. */
  port?: number | undefined
  /** Milliseconds after SIGTERM at which an old worker is killed, more than its drain's deadline. Default 30_000. */
  killAfter?: number | undefined
  /** Environment variables of the new worker, besides those of the primary. */
  env?: Readonly<Record<string, string>> | undefined
}

/** How all workers are replaced, one after another. */
export interface RollingRestartOptions extends RestartOptions {
  /** Called after each worker, to show progress. */
  onRestart?: ((restart: Restart) => void) | undefined
  /**
   * Stops the rolling restart: no further worker is forked, and no old one is told to go. What is under way is completed: an old worker that drains
   * goes on, within `killAfter`; a new one that is starting is told to go as soon as it listens, since the old one stays. Default: none.
   */
  signal?: AbortSignal | undefined
}

/** One worker, replaced. */
export interface Restart {
  /** The worker that left. */
  readonly old: Worker
  /** The worker that replaced it. */
  readonly worker: Worker
  /** Milliseconds from SIGTERM to the old worker's end. */
  readonly ms: number
  /** The exit code of the old worker; `null` where a signal ended it. */
  readonly code: number | null
  /** The signal that ended the old worker, e.g. `'SIGKILL'` after `killAfter`; else `null`. */
  readonly signal: string | null
  /** The old worker exited by itself with code 0: nothing was cut. */
  readonly clean: boolean
}

/**
 * Replaces every worker, one after another, the oldest first: the new one listens before the old one is told to go. The workers handle SIGTERM
 * themselves (`signals: true`, or a handler that drains). No worker is sent SIGTERM twice, which would cut its requests, and a worker that has ended
 * by itself meanwhile is skipped. A second call waits for the first, and then replaces every worker again.
 *
 * Resolves to the workers that were replaced. After an abort of `signal` it also resolves, and never rejects, to those that were replaced until then,
 * as soon as everything that it began is completed: `signal.aborted` tells the two apart, and {@link isLeaving} which workers drain.
 *
 * Rejects with `HALFCLOSE_OPTION_…` for a wrong option, with `HALFCLOSE_NOT_PRIMARY` in a worker, and with `HALFCLOSE_WORKER_NOT_LISTENING` if a new worker ends or does not listen in time: it is
 * killed, and the workers not replaced by then go on serving.
 */
export async function rollingRestart(options: RollingRestartOptions = {}): Promise<readonly Restart[]> {
  assertPrimary()
  assertOptions(options)
  const before: unknown = Reflect.get(cluster, UNDER_WAY)
  const restarts = Promise.resolve(before).then(() => restartAll(options))
  const over = () => {}
  Object.defineProperty(cluster, UNDER_WAY, { value: restarts.then(over, over), configurable: true })
  return restarts
}

/**
 * Replaces one worker, as {@link rollingRestart} does, and rejects as it does. Neither waits for the other; a worker that was told to go already is
 * not told again.
 */
export async function restartWorker(old: Worker, options: RestartOptions = {}): Promise<Restart> {
  assertPrimary()
  assertOptions(options)
  const worker = await start(options)
  return replace(old, worker, options)
}

const NAMES = ['startWithin', 'port', 'killAfter', 'env', 'onRestart', 'signal']

/** Before anything is forked: a `killAfter` that is no number, from the environment for example, would kill a worker amid its requests. */
function assertOptions(options: RollingRestartOptions): void {
  plainObject(options, '', 'an object')
  for (const name of Object.keys(options)) {
    if (NAMES.includes(name)) continue
    const message = `halfclose: unknown option \`${name}\`; known are: ${NAMES.join(', ')}`
    throw new HalfcloseTypeError('HALFCLOSE_OPTION_UNKNOWN', message, { path: name })
  }
  count(options.port, 'port', 1)
  // Infinity: never.
  duration(options.startWithin, 'startWithin', Number.POSITIVE_INFINITY)
  duration(options.killAfter, 'killAfter', Number.POSITIVE_INFINITY)
}

/** Whether a restart has told this worker to go: a further signal would cut the requests that it still answers. */
export function isLeaving(worker: Worker): boolean {
  return Reflect.get(worker, LEAVING) === true
}

/**
 * Set on a worker that was sent SIGTERM, and on `cluster` during a rolling restart. In the global registry, since two copies of this package may be
 * loaded.
 */
const LEAVING = Symbol.for('halfclose.leaving')
const UNDER_WAY = Symbol.for('halfclose.restarting')

async function restartAll(options: RollingRestartOptions): Promise<readonly Restart[]> {
  const { signal, onRestart } = options
  const restarts: Restart[] = []
  for (const old of Object.values(cluster.workers ?? {})) {
    if (signal?.aborted) break
    if (old === undefined || old.isDead() || isLeaving(old)) continue
    const worker = await start(options, signal).catch((error: unknown) => {
      // The new worker is not needed any more.
      if (signal?.aborted) return undefined
      throw error
    })
    if (worker === undefined) break
    if (isLeaving(worker)) {
      await stop(worker, options)
      break
    }
    const restart = await replace(old, worker, options)
    restarts.push(restart)
    onRestart?.(restart)
  }
  return restarts
}

async function replace(old: Worker, worker: Worker, options: RestartOptions): Promise<Restart> {
  const { ms, code, signal } = await stop(old, options)
  return { old, worker, ms, code, signal, clean: code === 0 }
}

function assertPrimary(): void {
  if (cluster.isPrimary) return
  const message = 'halfclose: a rolling restart is the business of the primary of a cluster: call it where `cluster.isPrimary`'
  throw new HalfcloseTypeError('HALFCLOSE_NOT_PRIMARY', message)
}

function start({ startWithin: within = 10_000, port, env = {} }: RestartOptions, signal?: AbortSignal): Promise<Worker> {
  return new Promise((resolve, reject) => {
    const worker = cluster.fork(env)
    const settle = () => {
      timer.stop()
      worker.off('listening', onListening)
      worker.off('exit', onExit)
    }
    const onListening = (address: Address) => {
      if (port !== undefined && address.port !== port) return
      settle()
      // At once: the primary's own listeners, which tell a worker that listens too late to go, run next.
      if (signal?.aborted) tell(worker)
      resolve(worker)
    }
    const fail = (why: string) => {
      settle()
      const message = `halfclose: the new worker ${worker.process.pid} ${why}; the old ones go on serving`
      reject(new HalfcloseTypeError('HALFCLOSE_WORKER_NOT_LISTENING', message))
    }
    const onExit = (code: number | null, signal: string | null) =>
      fail(`ended (${signal ?? `exit code ${code}`}) before it listened`)
    const timer = new Timers(rethrow).after(within, () => {
      fail(`did not listen${port === undefined ? '' : ` on port ${port}`} within ${within} ms`)
      worker.process.kill('SIGKILL')
    })
    worker.on('listening', onListening)
    worker.once('exit', onExit)
  })
}

function stop(
  worker: Worker,
  { killAfter = 30_000 }: RestartOptions,
): Promise<{ ms: number; code: number | null; signal: string | null }> {
  return new Promise((resolve) => {
    const began = performance.now()
    const timer = new Timers(rethrow).after(killAfter, () => worker.process.kill('SIGKILL'))
    const ended = (code: number | null, signal: string | null) => {
      timer.stop()
      resolve({ ms: Math.round(performance.now() - began), code, signal })
    }
    if (worker.isDead()) {
      ended(worker.process.exitCode, worker.process.signalCode)
      return
    }
    worker.once('exit', ended)
    tell(worker)
  })
}

/** An error of killing a worker is thrown in the primary. */
function rethrow(error: unknown): void {
  throw error
}

function tell(worker: Worker): void {
  if (isLeaving(worker)) return
  Object.defineProperty(worker, LEAVING, { value: true })
  // The worker may be gone when our message reaches it: without a listener, that error would end the primary.
  worker.on('error', () => {})
  // worker.kill() would first remove the worker from the primary, before the worker's drain has seen the accept queue.
  worker.process.kill('SIGTERM')
}

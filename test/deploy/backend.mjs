/** One backend: a port behind the proxy, and the process that serves it, restarted on demand. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { startNode } from './children.mjs'
import { bindSocket } from './listening-socket.mjs'
import { GRACE, HOLD, START_WITHIN } from './settings.mjs'

/**
 * What a service is told.
 * @typedef {object} Service
 * @property {string} policy
 * @property {{ readiness?: string }} readiness
 * @property {string} journal file
 * @property {boolean} http2 Fastify only
 * @property {number} timeout
 * @property {number} hold
 * @property {number} kill bare: ms
 * @property {{ delay: number, deadline: number }} drain
 * @property {{ host: string, port?: number, fd?: number }} listen
 */
/** @typedef {{ backend: string, ms: number, code: number | null, signal: string | null }} Restart */
/** @typedef {{ framework: string, policy: string, listener: string, protocol: string, delay: number, mode: import('./settings.mjs').Mode }} Plan */

export class Backend {
  #plan
  #folder
  #socket
  /** @type {string[]} */
  #journals = []
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #process
  /** Called when a process ends by itself. @type {(reason: string) => void} */
  onFailure = () => {}

  /** @param {string} name @param {number} port @param {Plan} plan @param {string} folder for its journals */
  constructor(name, port, plan, folder) {
    this.name = name
    this.#plan = plan
    this.#folder = folder
    this.#socket = plan.listener === 'shared' ? bindSocket('127.0.0.1', port) : undefined
    this.port = this.#socket?.port ?? port
  }

  async start() {
    const { framework, policy, protocol, delay, mode } = this.#plan
    const { timeout, deadline, kill } = mode
    const journal = path.join(this.#folder, `${this.name}-${this.#journals.length}.json`)
    this.#journals.push(journal)
    /** @type {Service} */
    const service = {
      policy,
      // Without a delay nobody would get to see it.
      readiness: delay > 0 ? { readiness: '/ready' } : {},
      journal,
      http2: protocol === 'h2',
      timeout,
      hold: HOLD,
      kill,
      drain: { delay, deadline },
      // The host: without one Fastify would open a second server on ::1.
      listen: { host: '127.0.0.1', ...(this.#socket ? { fd: 3 } : { port: this.port }) },
    }
    const child = startNode(`service-${framework}.mjs`, [JSON.stringify(service)], {
      stdio: ['ignore', 'inherit', 'inherit', this.#socket?.fd ?? 'ignore', 'ipc'],
    })
    child.once('exit', (code, signal) => {
      if (this.#process === child) this.onFailure(`backend ${this.name} ended by itself (${signal ?? `exit code ${code}`})`)
    })
    const ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`backend ${this.name} ended before it listened (${signal ?? `exit code ${code}`})`)
    })
    ended.catch(() => {})
    await within(START_WITHIN, Promise.race([once(child, 'message'), ended]), `backend ${this.name} does not listen`)
    this.#process = child
  }

  /**
   * With a listener of its own the process must be gone before the next one can listen; with a shared one the next comes first, as in
   * a rolling restart of a cluster, unless it is told not to `overlap`, as with `systemctl restart`.
   * @returns {Promise<Restart>}
   */
  async restart(overlap = this.#socket !== undefined) {
    const old = /** @type {import('node:child_process').ChildProcess} */ (this.#process)
    if (overlap) await this.start()
    else this.#process = undefined
    const began = performance.now()
    const exited = once(old, 'exit')
    old.kill('SIGTERM')
    const tooLong = setTimeout(() => old.kill('SIGKILL'), this.#plan.mode.deadline + GRACE)
    const [code, signal] = await exited
    clearTimeout(tooLong)
    const ms = Math.round(performance.now() - began)
    if (!overlap) await this.start()
    return { backend: this.name, ms, code, signal }
  }

  stop() {
    const last = this.#process
    this.#process = undefined
    last?.kill('SIGKILL')
    this.#socket?.close()
  }

  /** What its processes wrote down when they ended. @returns {import('./journal.mjs').Entry[]} */
  journals() {
    return this.#journals.flatMap((file) => {
      try {
        return [JSON.parse(readFileSync(file, 'utf8'))]
      } catch {
        return [] // killed, or still running
      }
    })
  }
}

/** @template T @param {number} ms @param {Promise<T>} promise @param {string} what @returns {Promise<T>} */
export async function within(ms, promise, what) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} within ${ms} ms`)), ms)
  })
  return /** @type {Promise<T>} */ (Promise.race([promise, late])).finally(() => clearTimeout(timer))
}

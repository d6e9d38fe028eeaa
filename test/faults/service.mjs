/** A server of server.mjs, as a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** @typedef {import('./accounting.mjs').Kind} Kind */
/** @typedef {{ kind: Kind, bare?: boolean, options?: object, keepAliveTimeout?: number, port?: number }} Setup */

const SERVER = fileURLToPath(new URL('server.mjs', import.meta.url))

export class Service {
  port = 0
  stderr = ''
  /** @type {import('node:child_process').ChildProcess} */
  child
  /** @type {Promise<[number | null, NodeJS.Signals | null]>} */
  ended
  #asked = 0
  /** @type {Map<number, (told: unknown) => void>} */
  #waiting = new Map()

  /**
   * `wrap`: a command before Node's: `['prlimit', '--nofile=64']`. Resolves once it listens.
   * @param {Setup} setup @param {{ wrap?: string[], execArgv?: string[], env?: Record<string, string> }} [how]
   */
  static async start(setup, how = {}) {
    const service = new Service(setup, how)
    await service.listening()
    return service
  }

  /** @param {Setup} setup @param {{ wrap?: string[], execArgv?: string[], env?: Record<string, string> }} [how] */
  constructor(setup, { wrap = [], execArgv = [], env = {} } = {}) {
    const [command, ...args] = [...wrap, process.execPath, ...execArgv, SERVER, JSON.stringify(setup)]
    this.child = spawn(command ?? '', args, {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production', ...env },
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text) => (this.stderr += text))
    this.ended = new Promise((resolve) => this.child.once('exit', (code, signal) => resolve([code, signal])))
    this.child.on('message', (/** @type {{ id?: number, port?: number, told?: unknown }} */ { id, port, told }) => {
      if (port !== undefined) this.port = port
      if (id === undefined) return
      this.#waiting.get(id)?.(told)
      this.#waiting.delete(id)
    })
  }

  async listening() {
    while (this.port === 0) {
      await Promise.race([
        once(this.child, 'message'),
        this.ended.then(() => Promise.reject(new Error(`it ended: ${this.stderr}`))),
      ])
    }
  }

  get pid() {
    return this.child.pid ?? 0
  }

  /** What it tells; rejects where it ends first. @param {string} ask @param {object} [more] @returns {Promise<any>} */
  ask(ask, more = {}) {
    const id = this.#asked++
    const told = new Promise((resolve) => this.#waiting.set(id, resolve))
    this.child.send({ id, ask, ...more })
    return Promise.race([told, this.ended.then(() => Promise.reject(new Error(`it ended: ${this.stderr}`)))])
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    this.child.kill(name)
  }

  /** Nobody asks any more: it ends, unless something holds it. */
  async end() {
    if (this.child.connected) this.child.disconnect()
    this.child.kill('SIGKILL')
    await this.ended
  }
}

/** A server of server.mjs, as a process of its own. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** @typedef {import('./accounting.mjs').Kind} Kind */
/** @typedef {{ kind: Kind, bare?: boolean, options?: object, keepAliveTimeout?: number, port?: number, faulty?: { what: string, how: string } }} Setup */

const SERVER = fileURLToPath(new URL('server.mjs', import.meta.url))

export class Service {
  port = 0
  stderr = ''
  /** @type {import('node:child_process').ChildProcess} */
  child
  /** @type {Promise<[number | null, NodeJS.Signals | null]>} */
  ended
  #asked = 0
  #folder = mkdtempSync(join(tmpdir(), 'halfclose-faults-'))
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
    const given = JSON.stringify({ ...setup, ledger: this.#ledgerFile })
    const [command, ...args] = [...wrap, process.execPath, ...execArgv, SERVER, given]
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

  get #ledgerFile() {
    return join(this.#folder, 'ledger')
  }

  /** How often each request was run, also after its end. @returns {Record<string, number>} */
  ledger() {
    /** @type {Record<string, number>} */
    const runs = {}
    for (const id of readFileSync(this.#ledgerFile, 'utf8').split('\n')) if (id !== '') runs[id] = (runs[id] ?? 0) + 1
    return runs
  }

  get pid() {
    return this.child.pid ?? 0
  }

  /** What it tells; rejects where it ends first. @param {string} ask @param {object} [more] @returns {Promise<any>} */
  ask(ask, more = {}) {
    const id = this.#asked++
    const told = new Promise((resolve) => this.#waiting.set(id, resolve))
    if (this.child.connected) this.child.send({ id, ask, ...more }, () => {})
    return Promise.race([told, this.ended.then(() => Promise.reject(new Error(`it ended: ${this.stderr}`)))])
  }

  /** @param {NodeJS.Signals} name */
  signal(name) {
    this.child.kill(name)
  }

  /** After its drain: nobody asks any more, so that it ends, unless something was left open. */
  async leave() {
    if (this.child.connected) this.child.disconnect()
    const [code, signal] = await this.ended
    return signal ?? code
  }

  async end() {
    this.child.kill('SIGKILL')
    await this.ended
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

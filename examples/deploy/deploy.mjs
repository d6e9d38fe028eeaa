/** Runs one deploy under load: the cluster and its clients, each in a process of its own. */
import { fork } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import { newTally } from './tally.mjs'

/** Processes of all deploys, so that none outlives the demo. @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

/** The cluster takes its workers with it, and the clients go by themselves. */
export function endAll() {
  for (const child of children) child.kill('SIGTERM')
}

/** @param {string} file @param {string[]} args */
function run(file, args = []) {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** Emits 'failed' with a reason: then the demo is over. */
export class Deploy extends EventEmitter {
  tally = newTally()
  /** @type {import('./cluster.mjs').Restart[]} */
  restarts = []
  /** @type {object[]} */
  losses = []
  /** What became of each connection. @type {import('./lanes.mjs').Lane[]} */
  lanes = []
  /** When each restart's SIGTERM was sent. @type {number[]} */
  signals = []
  rolling = false
  /** @type {import('node:child_process').ChildProcess} */
  #cluster
  /** @type {import('node:child_process').ChildProcess} */
  #load
  #over = false

  /** @param {string} framework @param {string} policy @param {number} planned restarts */
  constructor(framework, policy, planned) {
    super()
    this.framework = framework
    this.policy = policy
    this.planned = planned
    this.#cluster = run('cluster.mjs', [framework, policy])
    this.#load = run('load.mjs')
    for (const [child, what] of /** @type {const} */ ([
      [this.#cluster, 'the cluster'],
      [this.#load, 'the clients'],
    ])) {
      child.once('error', (error) => this.#fail(`${this.name}: ${what}: ${error.message}`))
      child.once('exit', (code, signal) => {
        if (!this.#over) this.#fail(`${this.name}: ${what} ended too early (${signal ?? `exit code ${code}`})`)
      })
    }
    this.#cluster.on('message', (message) => {
      const { failed, restart } = /** @type {{ failed?: string, restart?: import('./cluster.mjs').Restart }} */ (message)
      if (restart) {
        this.restarts.push(restart)
        this.signals.push(Date.now() - restart.ms)
      }
      if (failed) this.#fail(failed)
    })
    this.#load.on('message', (message) => {
      this.tally = /** @type {{ tally: import('./tally.mjs').Tally }} */ (message).tally
    })
  }

  get name() {
    return `${this.framework} ${this.policy}`
  }

  /** Resolves when all workers listen and the clients were told to begin. */
  async start() {
    const { port } = await this.#next(this.#cluster, (message) => 'port' in message)
    this.#load.send({ port, http2: this.framework.endsWith('-h2') })
  }

  /** Resolves when all the workers that were planned to be replaced are. */
  async roll() {
    this.rolling = true
    const done = this.#next(this.#cluster, (message) => 'done' in message)
    this.#cluster.send({ restarts: this.planned })
    await done
    this.rolling = false
  }

  /** Resolves when the clients have their last answers. */
  async stop() {
    const done = this.#next(this.#load, (message) => 'done' in message)
    this.#load.send('stop')
    const { losses, lanes } = await done
    this.losses = losses
    this.lanes = lanes
    this.#over = true
    for (const child of [this.#load, this.#cluster]) {
      if (child.connected) child.disconnect()
    }
  }

  /** @param {string} reason */
  #fail(reason) {
    if (this.#over) return
    this.#over = true
    this.emit('failed', reason)
  }

  /**
   * @param {import('node:child_process').ChildProcess} child
   * @param {(message: object) => boolean} wanted
   * @returns {Promise<any>}
   */
  #next(child, wanted) {
    return new Promise((resolve) => {
      child.on('message', function listener(message) {
        if (!wanted(/** @type {object} */ (message))) return
        child.off('message', listener)
        resolve(message)
      })
    })
  }
}

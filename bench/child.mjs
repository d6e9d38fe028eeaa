// A process that answers questions: a server under test, or one that holds connections to it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const alive = new Set()
const LONG = 600_000
const PATIENCE = 120_000

export class Child {
  #process
  #next = 0
  #waiting = new Map()
  #ready
  stdout = ''

  constructor(file, args, execArgv = [], under = []) {
    const [execPath, ...before] = [...under, process.execPath]
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
      // Adapters drain fast, and Express is slow, anywhere else.
      env: { ...process.env, NODE_ENV: 'production' },
      execPath,
      execArgv: [...before, ...execArgv],
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    alive.add(this)
    this.#process.stdout.setEncoding('utf8').on('data', (text) => {
      this.stdout += text
    })
    this.#ready = new Promise((resolve) => {
      this.#process.on('message', ({ id, value, error, ...rest }) => {
        if (id === undefined) return resolve(rest)
        const { resolve: settle, reject } = this.#waiting.get(id)
        this.#waiting.delete(id)
        if (error === undefined) settle(value)
        else reject(new Error(error))
      })
    })
    this.exited = once(this.#process, 'close').then(([code, signal]) => {
      alive.delete(this)
      const error = new Error(`${file} ${args.join(' ')} ended: ${signal ?? `exit code ${code}`}`)
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
      return error
    })
  }

  /** What it says once it is up. */
  ready() {
    return Promise.race([this.#ready, this.exited.then((error) => Promise.reject(error))])
  }

  /** Rejects where there is no answer in time: nothing here waits for ever. */
  ask(command, rest = {}, within = PATIENCE) {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to '${command}' within ${within} ms`)), within)
      const settle = (how) => (value) => {
        clearTimeout(timer)
        how(value)
      }
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) })
      this.#process.send({ id, command, ...rest }, (error) => error && settle(reject)(error))
    })
  }

  async kill() {
    this.#process.kill('SIGKILL')
    await this.exited
  }

  get pid() {
    return this.#process.pid
  }
}

/**
 * `options`: of halfclose, and `keepFor`, which is long enough for thousands of clients to come to a machine that is busy.
 * `under`: a command, and its arguments, that runs node.
 */
export async function startServer(host, variant, options, { nodeOptions = [], under = [] } = {}) {
  const args = [host, variant, JSON.stringify({ keepFor: LONG, ...options })]
  const child = new Child('./server.mjs', args, ['--expose-gc', ...nodeOptions], under)
  const { port } = await child.ready()
  return Object.assign(child, { host, variant, port })
}

export async function killAll() {
  await Promise.all([...alive].map((child) => child.kill()))
}

/** One column of the table: a proxy, two backends behind it, and clients in front. */
import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { explain } from './analysis.mjs'
import { Backend, within } from './backend.mjs'
import { startNode } from './children.mjs'
import { ProxyProcess } from './proxies.mjs'
import { START_WITHIN } from './settings.mjs'
import { assertBalanced, newTally } from './tally.mjs'

/** Share of POSTs. nginx repeats a GET by itself: there all are POSTs. @type {Record<string, number>} */
const posts = { haproxy: 0.4, nginx: 1 }
/** @type {Set<string>} */
const folders = new Set()

/** Removes what was written to the temporary folders. */
export function removeAll() {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}

/** Below the ports that outgoing connections take: one of those could have it while a backend is restarted. */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000)
    const server = net.createServer().listen(port, '127.0.0.1')
    const free = await new Promise((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false))
    })
    if (free) await new Promise((resolve) => server.close(resolve))
    if (free) return port
  }
}

/** Emits 'failed' with a reason: then the run is over. */
export class Column extends EventEmitter {
  tally = newTally()
  /** @type {import('./backend.mjs').Restart[]} */
  restarts = []
  /** @type {import('./analysis.mjs').Finding[]} */
  findings = []
  seconds = 0
  /** @type {Backend[]} */
  #backends = []
  /** @type {ProxyProcess | undefined} */
  #proxy
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #load
  #began = 0
  #over = false
  #keep

  /**
   * @param {import('./settings.mjs').Setup} setup
   * @param {import('./settings.mjs').Policy} policy
   * @param {import('./settings.mjs').Listener} listener
   * @param {import('./settings.mjs').Mode} mode
   * @param {boolean} keep the temporary folder: configuration, logs and journals
   */
  constructor({ proxy, framework, protocol }, policy, listener, mode, keep) {
    super()
    this.proxy = proxy
    this.framework = framework
    this.protocol = protocol
    this.policy = policy
    this.listener = listener
    this.mode = mode
    this.#keep = keep
    this.folder = mkdtempSync(path.join(tmpdir(), 'halfclose-deploy-'))
    if (!keep) folders.add(this.folder)
  }

  get name() {
    return `${this.proxy}${this.protocol === 'h2' ? ' (h2)' : ''}, ${this.framework}, ${this.policy}${this.listener === 'shared' ? ', shared listener' : ''}`
  }

  async start() {
    const delay = this.proxy === 'haproxy' ? this.mode.delay : 0
    const { framework, policy, listener, protocol, mode, folder } = this
    for (const name of ['a', 'b']) {
      const backend = new Backend(name, await freePort(), { framework, policy, listener, protocol, delay, mode }, folder)
      backend.onFailure = (reason) => this.#fail(reason)
      this.#backends.push(backend)
      await backend.start()
    }
    const told = { port: await freePort(), backends: this.#backends, folder, http2: protocol === 'h2', check: mode.check }
    const proxy = new ProxyProcess(this.proxy, told)
    this.#proxy = proxy
    proxy.onFailure = (reason) => this.#fail(reason)
    await within(START_WITHIN, proxy.listening(), `${this.proxy} does not listen`)
    for (const { name } of this.#backends) await this.#trusted(name)
    const load = startNode('load.mjs', [])
    this.#load = load
    load.on('message', (message) => Object.assign(this, message))
    load.once('exit', (code, signal) => this.#fail(`the clients ended too early (${signal ?? `exit code ${code}`})`))
    this.#began = Date.now()
    load.send({ port: proxy.port, posts: posts[this.proxy], times: mode.load })
  }

  /** The backends in turn. Resolves when the proxy uses the new process. @param {number} round */
  async restart(round) {
    const backend = /** @type {Backend} */ (this.#backends[round % 2])
    this.restarts.push(await backend.restart())
    await this.#trusted(backend.name)
  }

  /** Ends the load, and finds out what became of what was lost. */
  async stop() {
    const load = /** @type {import('node:child_process').ChildProcess} */ (this.#load)
    load.send('stop')
    /** @type {import('./tally.mjs').Loss[] | undefined} */
    let losses
    load.on('message', (message) => {
      losses = /** @type {{ losses?: import('./tally.mjs').Loss[] }} */ (message).losses ?? losses
    })
    while (losses === undefined) await within(20_000, once(load, 'message'), 'the clients do not end')
    this.seconds = Math.round((Date.now() - this.#began) / 1_000)
    this.#over = true
    load.disconnect()
    for (const backend of this.#backends) backend.stop()
    this.#proxy?.stop()
    assertBalanced(this.name, this.tally, losses)
    const journals = this.#backends.flatMap((backend) => backend.journals())
    this.findings = explain(losses, journals, this.#proxy?.log() ?? '')
    if (this.#keep) console.log(`${this.name}: logs are in ${this.folder}`)
  }

  /** @param {string} backend */
  #trusted(backend) {
    return within(
      START_WITHIN,
      this.#proxy?.trusts(backend) ?? Promise.resolve(),
      `${this.proxy} does not use backend ${backend}`,
    )
  }

  /** @param {string} reason */
  #fail(reason) {
    if (this.#over) return
    this.#over = true
    this.emit('failed', `${this.name}: ${reason}`)
  }
}

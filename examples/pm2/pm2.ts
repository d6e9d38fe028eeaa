import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { until } from '../../test/support/wait.js'

const PM2 = path.join(__dirname, 'node_modules/pm2/bin/pm2')
const CONFIG = path.join(__dirname, 'ecosystem.config.cjs')

const PATIENCE = 20_000

/** The real PM2, with a home and a daemon of its own. */
export class Pm2 {
  readonly #home = mkdtempSync(path.join(tmpdir(), 'halfclose-pm2-'))
  readonly #env: NodeJS.ProcessEnv

  constructor(env: Record<string, string>) {
    // Discreet: no banner, and nobody is asked whether there is a newer version.
    const quiet = { PM2_HOME: this.#home, PM2_DISCRETE_MODE: 'true', PM2_DISABLE_VERSION_CHECK: 'true' }
    this.#env = { ...process.env, NODE_ENV: 'production', ...env, ...quiet }
  }

  /** Resolves with what it printed when it has done; rejects where it failed. */
  async run(...args: string[]): Promise<string> {
    const options = { env: this.#env, timeout: 50_000 }
    return (await promisify(execFile)(process.execPath, [PM2, ...args], options)).stdout
  }

  /** Resolves when its processes have said `ready`. */
  start(name: string, config = CONFIG): Promise<string> {
    return this.run('start', config, '--only', name)
  }

  reload(name: string): Promise<string> {
    return this.run('reload', name)
  }

  /** The configuration of the example, with one process and without its `kill_timeout`. */
  withoutKillTimeout(): string {
    const file = path.join(this.#home, 'ecosystem.config.cjs')
    const changed = `require(${JSON.stringify(CONFIG)}).apps.map(({ kill_timeout, ...app }) => ({ ...app, instances: 1 }))`
    writeFileSync(file, `module.exports = { apps: ${changed} }\n`)
    return file
  }

  /** What an application has printed, all of its processes, those that have ended included. */
  printed(name: string, stream: 'out' | 'error' = 'out'): string {
    const folder = path.join(this.#home, 'logs')
    const files = readdirSync(folder).filter((file) => file.startsWith(`${name}-${stream}`))
    return files.map((file) => readFileSync(path.join(folder, file), 'utf8')).join('')
  }

  /** The nth port that an application has listened on. */
  async port(name: string, nth = 0): Promise<number> {
    const ports = () => [...this.printed(name).matchAll(/^listening on port (\d+)$/gm)].map(([, port]) => Number(port))
    await until(`${name} prints where it listens`, () => ports().length > nth, PATIENCE).catch((error: Error) => {
      throw new Error(`${error.message}; it said\n${this.printed(name)}${this.printed(name, 'error')}`)
    })
    return ports()[nth] ?? 0
  }

  /** How the first so many of its processes have ended, as the daemon noted it. */
  async exits(name: string, count: number): Promise<string[]> {
    const exits = () => {
      const log = readFileSync(path.join(this.#home, 'pm2.log'), 'utf8')
      return [...log.matchAll(/App \[(\S+):\S+\] (exited .*)/g)].flatMap(([, app, how]) => (app === name && how ? [how] : []))
    }
    await until(`${count} processes of ${name} have ended`, () => exits().length >= count, PATIENCE)
    return exits()
  }

  /** For afterEach: no daemon is left behind, whatever happened. */
  async dispose(): Promise<void> {
    const pids = this.#pids()
    await this.run('kill').catch(() => {
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL')
        } catch {} // has ended
      }
    })
    rmSync(this.#home, { recursive: true, force: true })
  }

  /** The daemon's, and those of the processes in fork mode; a cluster's end with the daemon. */
  #pids(): number[] {
    const files = readdirSync(this.#home, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.pid'))
    return files.map((file) => Number(readFileSync(path.join(this.#home, file), 'utf8'))).filter((pid) => pid > 1)
  }
}

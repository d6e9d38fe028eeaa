import { type ChildProcess, spawn } from 'node:child_process'
import { deferred, pass, within } from '../wire/index.js'
import type { Command } from './command.js'

/** How a process ended. */
export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
  /** ms since the signal was sent; NaN: no signal was sent. */
  after: number
}

/** A process in a group of its own, so that the whole group can be paused, and none of it stays behind. */
export class Child {
  readonly #child: ChildProcess
  readonly #exit = deferred<Exit>()
  readonly #silent = deferred<void>()
  #signalledAt = Number.NaN
  /** A probe that is stopped leaves no process behind. */
  readonly #abandon = () => this.#group('SIGKILL')
  /** Why it could not be started. */
  failure: NodeJS.ErrnoException | undefined
  /** Its last output, for messages. */
  output = ''
  exited: Exit | undefined

  constructor({ file, args, env }: Command, abort?: AbortSignal) {
    this.#child = spawn(file, args, { detached: true, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = `${this.output}${text}`.slice(-2_000)
      })
    }
    abort?.addEventListener('abort', this.#abandon)
    const over = (code: number | null, signal: NodeJS.Signals | null) => {
      this.exited ??= { code, signal, after: Date.now() - this.#signalledAt }
      abort?.removeEventListener('abort', this.#abandon)
      this.#exit.resolve(this.exited)
    }
    this.#child.on('error', (error) => {
      this.failure = error
      over(null, null)
    })
    this.#child.on('exit', over)
    this.#child.on('close', () => this.#silent.resolve())
  }

  /** Sends the signal to the process itself, as an orchestrator does. */
  stop(signal: NodeJS.Signals): void {
    this.#signalledAt = Date.now()
    this.#child.kill(signal)
  }

  /** Pauses the whole group until resume(): its input waits in the kernel. */
  async pause(): Promise<void> {
    this.#group('SIGSTOP')
    await pass(20)
  }

  resume(): void {
    this.#group('SIGCONT')
  }

  /** How it ended; undefined if it still runs after `ms`. */
  exit(ms: number): Promise<Exit | undefined> {
    return within(this.#exit.promise, () => 'exit', ms).catch(() => undefined)
  }

  /** All that it said before it ended. */
  async lastWords(): Promise<string> {
    await within(this.#silent.promise, () => 'the end of its output', 500).catch(() => {})
    return this.output.trim()
  }

  async kill(): Promise<void> {
    this.#group('SIGKILL')
    await this.exit(5_000)
  }

  #group(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return
    try {
      process.kill(-this.#child.pid, signal)
    } catch {
      // The group is gone already.
    }
  }
}

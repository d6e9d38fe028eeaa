import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** A process and what it prints. */
export class Program {
  readonly lines: string[] = []
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  readonly #child: ChildProcess
  #waiting: { pattern: RegExp; resolve: (match: RegExpExecArray) => void }[] = []

  constructor(command: string, args: string[], env: Record<string, string> = {}) {
    this.#child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.exit = once(this.#child, 'exit').then(([code, signal]) => ({ code, signal }))
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream) createInterface(stream).on('line', (line) => this.#heard(line))
    }
  }

  /** Resolves when a line matches, also one that was printed before; rejects if the process ends without it. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (const line of this.lines) {
      const match = pattern.exec(line)
      if (match) return match
    }
    const heard = new Promise<RegExpExecArray>((resolve) => this.#waiting.push({ pattern, resolve }))
    const ended = this.exit.then(({ code }): never => {
      throw new Error(`it ended (exit code ${code}) and never printed ${pattern}:\n${this.lines.join('\n')}`)
    })
    return Promise.race([heard, ended])
  }

  terminate(): void {
    this.signal('SIGTERM')
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** For afterEach: nothing may outlive a test that failed. */
  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #heard(line: string): void {
    this.lines.push(line)
    this.#waiting = this.#waiting.filter(({ pattern, resolve }) => {
      const match = pattern.exec(line)
      if (match) resolve(match)
      return match === null
    })
  }
}

/** An example as its user starts it, in production: under jest's NODE_ENV the adapters would drain fast. */
export class Example extends Program {
  constructor(directory: string, env: Record<string, string>, file = 'server.mjs') {
    super(process.execPath, [path.join(directory, file)], { NODE_ENV: 'production', PORT: '0', ...env })
  }
}

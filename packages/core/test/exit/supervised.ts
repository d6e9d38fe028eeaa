import { type ChildProcess, fork, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Options } from '@halfclose/core'
import { Client } from '../../../../test/support/client.js'
import { Arrivals, within } from '../../../../test/support/wait.js'

export interface Setup {
  host: 'fastify' | 'express'
  port?: number
  options?: Options
  /** Sends PM2's `ready`. */
  ready?: boolean
  /** Exits by itself, so many milliseconds after a signal. */
  exitAfter?: number
}

export interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

export const APP = path.join(__dirname, 'app.mjs')

/** app.mjs, in production, below something that starts and stops it. */
export class Supervised {
  readonly lines: string[] = []
  readonly process: ChildProcess
  readonly #said = new Arrivals<string>()
  readonly #exit: Promise<Exit>
  readonly #clients: Client[] = []
  /** The applications that it has started: one after another. */
  readonly #pids = new Set<number>()

  private constructor(child: ChildProcess) {
    this.process = child
    const read = [child.stdout, child.stderr].map(async (stream) => {
      if (stream === null) return
      for await (const line of createInterface(stream)) {
        const pid = Number(/^listening \d+ (\d+)/.exec(line)?.[1] ?? 0)
        if (pid > 1) this.#pids.add(pid)
        this.lines.push(line)
        this.#said.push(line)
      }
    })
    this.#exit = once(child, 'exit').then(async ([code, signal]) => {
      await Promise.all(read)
      return { code, signal }
    })
  }

  /** A command of its own process group. */
  static run(setup: Setup, command: string, args: string[], options: SpawnOptions = {}): Supervised {
    return new Supervised(
      spawn(command, args, {
        stdio: ['pipe', 'pipe', 'pipe'],
        detached: true,
        ...options,
        env: { ...environment(setup), ...options.env },
      }),
    )
  }

  static fork(setup: Setup): Supervised {
    const stdio: SpawnOptions['stdio'] = ['ignore', 'pipe', 'pipe', 'ipc']
    return new Supervised(fork(APP, { env: environment(setup), execArgv: [], stdio, detached: true }))
  }

  /** The line that matches, also one that was printed before; `nth` counts those that match, from 0. */
  async line(pattern: RegExp, nth = 0): Promise<RegExpExecArray> {
    const ended = this.#exit.then(({ code, signal }): never => {
      throw new Error(`it ended with ${signal ?? code} and never printed ${pattern}:\n${this.lines.join('\n')}`)
    })
    ended.catch(() => {})
    for (let index = 0, left = nth; ; index++) {
      const line = await within(Promise.race([this.#said.at(index), ended]), () => `${pattern} in\n${this.lines.join('\n')}`)
      const match = pattern.exec(line)
      if (match && left-- === 0) return match
    }
  }

  /** Where it listens, for the nth time. */
  async listening(nth = 0): Promise<{ port: number; pid: number }> {
    const [, port, pid] = await this.line(/^listening (\d+) (\d+)/, nth)
    return { port: Number(port), pid: Number(pid) }
  }

  async client(nth = 0): Promise<Client> {
    const { port } = await this.listening(nth)
    const client = await Client.open({ port })
    this.#clients.push(client)
    return client
  }

  /** A client whose request has arrived, half of it. The other half is `finish(client)`. */
  async uploading(): Promise<Client> {
    const client = await this.client()
    void client.send('POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: x/y\r\nContent-Length: 10\r\n\r\n01234')
    await this.line(/^arrived/)
    return client
  }

  /** Tells every process of the group, as a terminal and systemd do. */
  killGroup(signal: NodeJS.Signals): void {
    process.kill(-this.process.pid!, signal)
  }

  count(line: string): number {
    return this.lines.filter((said) => said === line).length
  }

  exited(): Promise<Exit> {
    return within(this.#exit, () => `the process ends; it said\n${this.lines.join('\n')}`)
  }

  /** For afterEach: nothing may outlive a test that failed. */
  dispose(): void {
    for (const client of this.#clients) client.destroy()
    for (const pid of [-this.process.pid!, ...this.#pids]) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
  }
}

export async function finish(client: Client): Promise<void> {
  await client.send('56789')
}

/** Whether a process is there; a zombie is not. */
export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function environment(setup: Setup): NodeJS.ProcessEnv {
  const options = { keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 }, ...setup.options }
  return { ...process.env, NODE_ENV: 'production', HALFCLOSE_APP: JSON.stringify({ ...setup, options }) }
}

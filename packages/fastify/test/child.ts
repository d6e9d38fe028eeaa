import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Options } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { Arrivals, patience, within } from '../../../test/support/wait.js'
import type { Version } from './apps.js'

export interface Setup {
  host: Version | 'express' | 'express-4'
  options?: Options & { signals?: boolean; readiness?: string }
  /** What its onClose hook, or onDrained, does. */
  closing?: 'fails'
  /** The option `close`: an application around it, whose close() fails, throws, or takes no heed of Fastify. */
  outer?: 'closes' | 'fails' | 'throws' | 'forgets'
  /** Fastify listens nowhere: another server passes its requests on, in this way. */
  wrapper?: 'routing' | 'emit'
  /** Which build of the adapter. */
  copy?: 'cjs'
}

interface Exit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** signals-child.mjs, running in production: under jest's NODE_ENV a drain would be fast. */
export class Child {
  readonly lines: string[] = []
  readonly #process: ChildProcess
  readonly #said = new Arrivals<string>()
  readonly #exit: Promise<Exit>
  readonly #clients: Client[] = []

  constructor(setups: Setup[], env: Record<string, string> = {}) {
    const defaults = { signals: true, keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } }
    const all = setups.map((setup) => ({ ...setup, options: { ...defaults, ...setup.options } }))
    this.#process = fork(path.join(__dirname, 'signals-child.mjs'), [JSON.stringify(all)], {
      env: { ...process.env, NODE_ENV: 'production', ...env },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const read = [this.#process.stdout, this.#process.stderr].map(async (stream) => {
      if (stream === null) return
      for await (const line of createInterface(stream)) {
        this.lines.push(line)
        this.#said.push(line)
      }
    })
    this.#exit = once(this.#process, 'exit').then(async ([code, signal]) => {
      await Promise.all(read)
      return { code, signal }
    })
  }

  /** The first line that matches, also one that was printed before. */
  async line(pattern: RegExp, ms = patience): Promise<RegExpExecArray> {
    const ended = this.#exit.then(({ code }): never => {
      throw new Error(`it ended with ${code} and never printed ${pattern}:\n${this.lines.join('\n')}`)
    })
    ended.catch(() => {})
    for (let index = 0; ; index++) {
      const line = await within(Promise.race([this.#said.at(index), ended]), () => `${pattern} in\n${this.lines.join('\n')}`, ms)
      const match = pattern.exec(line)
      if (match) return match
    }
  }

  async ports(): Promise<number[]> {
    // Frameworks take their time to load where the machine has other work.
    return (await this.line(/^listening (.*)/, 20_000))[1]!.split(' ').map(Number)
  }

  async connect(index: number): Promise<Client> {
    const client = await Client.open({ port: (await this.ports())[index]! })
    this.#clients.push(client)
    return client
  }

  /** A client whose request has arrived at the application with this index, and waits there. */
  async inFlight(index: number): Promise<Client> {
    const client = await this.connect(index)
    void client.send('GET /held HTTP/1.1\r\nHost: a\r\n\r\n')
    await this.line(new RegExp(`^arrived ${index}`))
    return client
  }

  command(name: 'answer' | 'exit' | 'exitCode' | 'close' | 'listeners', argument?: number): void {
    this.#process.send([name, argument])
  }

  message(message: string): void {
    this.#process.send(message)
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  get running(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  exited(): Promise<Exit> {
    return within(this.#exit, () => `the process ends; it said\n${this.lines.join('\n')}`)
  }

  /** For afterEach: nothing may outlive a test that failed. */
  dispose(): void {
    for (const client of this.#clients) client.destroy()
    this.#process.kill('SIGKILL')
  }
}

import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Options, Report } from '@halfclose/core'
import { Client, type ClientOptions } from '../../../../test/support/client.js'
import { FrameClient, type FrameClientOptions } from '../../../../test/support/h2/client.js'
import { pass, until } from '../../../../test/support/wait.js'

export type Kind = 'http' | 'https' | 'h2c' | 'h2'

/** By a signal, as a debugger or a frozen container does it; or by its own code, after which the timers come before the input. */
export type Way = 'stopped' | 'blocked'

export interface Setup {
  options?: Options
  /** Of Node, in milliseconds. */
  timeouts?: { headersTimeout: number; requestTimeout: number }
  /** A listener of 'clientError' answers when it is told to. */
  answersErrors?: boolean
}

/** A server in a process of its own that can be made to stand still. */
export class StoppableServer {
  port = 0
  report: Report | undefined
  readonly requests: string[] = []
  readonly closes: string[] = []
  readonly states: string[] = []
  readonly #child: ChildProcess
  #blocked = false
  readonly #clients: (Client | FrameClient)[] = []

  private constructor(
    readonly kind: Kind,
    readonly way: Way,
    setup: Setup,
  ) {
    const env = { ...process.env, HALFCLOSE_STAND: JSON.stringify({ kind, ...setup }) }
    this.#child = fork(path.join(__dirname, 'server.mjs'), [], { env, execArgv: [] })
    this.#child.on(
      'message',
      (message: Partial<{ port: number; report: Report; request: string; close: string; state: string; blocked: true }>) => {
        if (message.port !== undefined) this.port = message.port
        if (message.report !== undefined) this.report = message.report
        if (message.request !== undefined) this.requests.push(message.request)
        if (message.close !== undefined) this.closes.push(message.close)
        if (message.blocked) this.#blocked = true
        if (message.state !== undefined) this.states.push(message.state)
      },
    )
  }

  static async start(kind: Kind, way: Way, setup: Setup = {}): Promise<StoppableServer> {
    const standing = new StoppableServer(kind, way, setup)
    await until('the server to listen', () => standing.port > 0, 20_000)
    return standing
  }

  get isTls(): boolean {
    return this.kind === 'https' || this.kind === 'h2'
  }

  async client(options: Partial<ClientOptions> = {}): Promise<Client> {
    const client = await Client.open({ port: this.port, tls: this.isTls, ...options })
    this.#clients.push(client)
    return client
  }

  async session(options: Partial<FrameClientOptions> = {}): Promise<FrameClient> {
    const client = await FrameClient.open({ port: this.port, tls: this.isTls, ...options })
    this.#clients.push(client)
    return client
  }

  tell(what: 'drain' | 'answer'): void {
    this.#child.send(what)
  }

  async drain(state = 'draining'): Promise<void> {
    this.tell('drain')
    await until(state, () => this.states.includes(state))
  }

  async arrived(request: string): Promise<void> {
    await until(`${request} to arrive`, () => this.requests.includes(request))
  }

  /** Stands still for `ms`, or where it is stopped until the work is done as well. Resolves to for how long at least. */
  async stand(ms: number, work: () => unknown = () => {}): Promise<number> {
    if (this.way === 'blocked') {
      this.#child.send({ block: ms })
      await until('the loop to be blocked', () => this.#blocked)
      this.#blocked = false
      await Promise.all([work(), pass(ms)])
      return ms
    }
    this.#child.kill('SIGSTOP')
    const stat = () => readFileSync(`/proc/${this.#child.pid}/stat`, 'latin1')
    await until('the process to be stopped', () => /^\d+ \(.*\) T /.test(stat()))
    await Promise.all([work(), pass(ms)])
    this.#child.kill('SIGCONT')
    return ms
  }

  async reported(): Promise<Report> {
    await until('the report', () => this.report !== undefined, 20_000)
    return this.report ?? Promise.reject(new Error('no report'))
  }

  stop(): void {
    for (const client of this.#clients) (client instanceof Client ? client : client.connection).destroy()
    this.#child.kill('SIGKILL')
  }
}

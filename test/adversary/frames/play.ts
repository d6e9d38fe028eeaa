import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import type { Stats } from '@halfclose/core'
import { within } from '../../support/wait.js'
import { Scribe, type Script } from './script.js'

interface End {
  ms: number
  open: Stats['open']
  counted: Stats['requests']
  /** Which counts did not add up, at any time. */
  wrong: string | undefined
}

/** Longer than any drain of a script takes, on a machine that is busy with others. */
const LONG = 20_000

/** The servers, in a process of their own. What nobody catches there, and its end, fails the script that is being played. */
export class FrameTarget {
  readonly #child: ChildProcess
  readonly #failed: Promise<never>
  #answered: (value: unknown) => void = () => {}

  constructor() {
    this.#child = fork(join(__dirname, 'server.mjs'), { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    this.#failed = new Promise((_, reject) => {
      this.#child.on('message', ([kind, value]: [string, unknown]) => {
        if (kind === 'done') this.#answered(value)
        else reject(new Error(`${kind}: ${value}`))
      })
      this.#child.on('exit', (code, signal) => reject(new Error(`the process ended: ${signal ?? code}`)))
    })
    this.#failed.catch(() => {})
  }

  async play({ options, clients, drain }: Script): Promise<void> {
    const [plain, secure] = await this.#ask<number[]>('open', options)
    const sockets: Socket[] = []
    try {
      for (const [index, one] of clients.entries()) {
        const port = one.tls ? secure : plain
        const raw = connectTcp({ port: port ?? 0, host: '127.0.0.1', allowHalfOpen: true })
        raw.on('error', () => {})
        const secureOptions = { socket: raw, allowHalfOpen: true, ALPNProtocols: ['h2'], rejectUnauthorized: false }
        const socket = one.tls ? connectTls(secureOptions) : raw
        sockets.push(raw, socket)
        socket.on('error', () => {})
        if (one.reads) socket.resume()
        const connected = once(socket, one.tls ? 'secureConnect' : 'connect')
        // One that is turned away is never connected.
        await within(Promise.race([connected, once(socket, 'close')]), () => 'to be connected', LONG).catch(() => {})
        const scribe = new Scribe()
        const write = (bytes: Buffer) => !socket.destroyed && socket.writable && socket.write(bytes)
        write(Scribe.preface(one.preface))
        for (const [at, { steps, rest }] of one.moves.entries()) {
          if (index === clients.length - 1 && at === drain) await this.#ask('drain')
          write(Buffer.concat(steps.map((step) => scribe.bytes(step))))
          for (let turns = 0; turns < rest; turns++) await turn()
        }
        if (one.leave === 'fin') socket.end()
        if (one.leave === 'reset') raw.resetAndDestroy()
      }
      const { open, counted, ms, wrong } = await this.#ask<End>('end')
      const left = Object.entries(open).filter(([, count]) => count > 0)
      if (left.length > 0) throw new Error(`left open: ${left.join(' ')}`)
      const { received, finished, cut, aborted } = counted
      if (received !== finished + cut + aborted) throw new Error(`received ${received} ≠ ${finished} + ${cut} + ${aborted}`)
      if (wrong !== undefined) throw new Error(wrong)
      if (ms > LONG) throw new Error(`the drain took ${ms} ms`)
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  }

  async close(): Promise<void> {
    const gone = once(this.#child, 'exit')
    if (this.#child.connected) this.#child.disconnect()
    // One that a signal has ended has no exit code.
    if (this.#child.exitCode === null && this.#child.signalCode === null) await within(gone, () => 'the process to end', LONG)
  }

  #ask<T>(command: string, argument?: unknown): Promise<T> {
    const answer = new Promise<T>((resolve) => {
      this.#answered = (value) => resolve(value as T)
    })
    if (this.#child.connected) this.#child.send([command, argument])
    return within(Promise.race([answer, this.#failed]), () => `${command} to be done`, LONG)
  }
}

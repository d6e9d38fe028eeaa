import type { Socket } from 'node:net'
import { afterPoll, type Timer, type Timers } from '../node/timers.js'
import type { GovernedServer } from '../server/governed-server.js'

/** Waits until nothing is open on the servers of a drain. */
export class UntilEmpty {
  readonly #servers: readonly GovernedServer[]
  readonly #timers: Timers
  /** Sockets that are destroyed, but not closed yet. */
  readonly #closing = new Set<Socket>()
  #wake: (() => void) | undefined
  #noneButUpgraded: () => void = () => {}
  #listens = true
  /** Resolves when no server listens and everything that is left has been handed over to another protocol. */
  readonly onlyUpgraded: Promise<void>

  constructor(servers: readonly GovernedServer[], timers: Timers) {
    this.#servers = servers
    this.#timers = timers
    this.onlyUpgraded = new Promise((resolve) => {
      this.#noneButUpgraded = resolve
    })
  }

  get isEmpty(): boolean {
    return this.#closing.size === 0 && this.#servers.every(({ isEmpty }) => isEmpty)
  }

  /** Something ended: the drain may be over. */
  check(): void {
    if (this.isEmpty) this.#wake?.()
    else if (!this.#listens && this.#closing.size === 0 && this.#servers.every(leftToOthers)) this.#noneButUpgraded()
  }

  /** No server listens any more. */
  stoppedListening(): void {
    this.#listens = false
    this.check()
  }

  /** A socket is being destroyed: the application has to hear of that before it hears that the drain is over. */
  closing(socket: Socket): void {
    this.#closing.add(socket)
    socket.once('close', () => {
      this.#closing.delete(socket)
      this.check()
    })
  }

  /**
   * The application may have removed our listener, with all others of a socket. `socket.closed` is true as soon as the socket is destroyed: only some
   * turns later has 'close' been emitted.
   */
  forgetClosed(): void {
    const closed = [...this.#closing].filter((socket) => socket.closed)
    if (closed.length === 0) return
    afterPoll(() => {
      for (const socket of closed) this.#closing.delete(socket)
      this.check()
    })
  }

  within(ms: number): Promise<void> {
    return this.unless((over) => this.#timers.after(ms, over))
  }

  /** Waits until nothing is open, or the timer has fired. */
  async unless(start: (over: () => void) => Timer): Promise<void> {
    if (this.isEmpty) return
    let timer: Timer | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = start(resolve)
    })
    this.#wake = undefined
    timer?.stop()
  }
}

function leftToOthers({ connections, sessions, handshakes }: GovernedServer): boolean {
  if (handshakes.size > 0) return false
  for (const { onlyTunnels } of sessions) if (!onlyTunnels) return false
  for (const { phase } of connections) if (phase !== 'upgraded') return false
  return true
}

import type { Socket } from 'node:net'
import { clearTimeout } from '../node/real-timers.js'
import type { KeepsAlive } from '../node/server-kinds.js'
import type { Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import type { Connection } from './connection.js'
import { mayPersist } from './exchange.js'

/** The part of the server that is needed here. */
interface Probed {
  readonly policy: Policy
  readonly keepsAlive: KeepsAlive | undefined
  readonly listener: { readonly hasListened: boolean }
  readonly connections: Iterable<Connection>
  readonly timers: Timers
}

/** Milliseconds after which a connection that was to end with its first answer counts as one that lasts. */
const LASTS = 1_000

/**
 * TCP keep-alive (`tcp.keepAlive`): tells the kernel to look for clients that are gone. That takes four system calls, so connections that end with
 * their first answer do without.
 */
export class TcpKeepAlive {
  readonly #owner: Probed
  #timer: NodeJS.Timeout | undefined

  constructor(owner: Probed) {
    this.#owner = owner
  }

  enable(socket: Socket): void {
    const { keepAlive, keepAliveInterval, keepAliveCount } = this.#owner.policy.tcp
    if (keepAlive === false) return
    if (keepAliveInterval === undefined && keepAliveCount === undefined) socket.setKeepAlive(true, keepAlive)
    // The types are those of Node 20, whose setKeepAlive takes two arguments at most.
    else Reflect.apply(socket.setKeepAlive, socket, [true, keepAlive, keepAliveInterval, keepAliveCount])
  }

  /** For a connection that has just been opened: this can wait for the first request if Node ends connections that send none. */
  enableIfSilent(socket: Socket): void {
    const { keepsAlive, listener } = this.#owner
    // Node does, once the server listens.
    if (keepsAlive === undefined || !listener.hasListened || (keepsAlive.headersTimeout === 0 && keepsAlive.requestTimeout === 0))
      this.enable(socket)
  }

  /** For a connection whose first answer is to be its last. One timer serves all of them. */
  enableIfItLasts(): void {
    this.#timer ??= this.#owner.timers.arm(LASTS, this.#look, true)
  }

  readonly #look = (): void => {
    this.#timer = undefined
    for (const { current, requests, socket } of this.#owner.connections) {
      if (requests === 1 && current !== undefined && !mayPersist(current) && !socket.destroyed) this.enable(socket)
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

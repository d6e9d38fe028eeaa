import { atOnce } from './amid.js'
import { attempt } from './attempt.js'
import { shut } from './closing.js'
import type { Connection } from './connection.js'
import { leave, leaveAfterPoll } from './goaway.js'
import { closeIfQuiet } from './idle.js'
import { Session } from './session.js'
import type { Policy } from './types.js'

type Member = Connection | Session

/** Milliseconds in which those that are idle and too many are closed together: whether one is really idle takes a question about all of them. */
const TOGETHER = 50

/**
 * How many connections there may be: in all, per client, and idle. The one too many is not cut: it gets an answer that it can read
 * (503, Retry-After, close), but no handler; and a readiness probe gets through.
 */
export class Capacity {
  readonly #limits: Policy['limits']
  /** How many of those that were refused may wait for their request at once. */
  readonly #mostExcess: number
  #admitted = 0
  readonly #perClient = new Map<string, number>()
  /** In the order in which they went idle: the first is the longest idle. Kept only where there is a limit. */
  readonly #idle = new Set<Member>()
  /** Idle, and too many: to be closed, unless they are used meanwhile. */
  readonly #overIdle: { readonly connection: Connection; readonly requests: number }[] = []
  readonly #excess = new Set<Member>()

  constructor({ limits, linger }: Policy) {
    this.#limits = limits
    this.#mostExcess = linger.connections
  }

  hasRoom(client: string | undefined): boolean {
    const { connections, perClient } = this.#limits
    if (connections !== false && this.#admitted >= connections) return false
    return perClient === false || client === undefined || (this.#perClient.get(client) ?? 0) < perClient
  }

  /** Takes a connection in, or marks it as one too many. */
  enter(connection: Member): void {
    const { connections, perClient } = this.#limits
    if (connections === false && perClient === false) return
    const client = perClient === false ? undefined : connection.socket.remoteAddress
    if (!this.hasRoom(client)) {
      connection.excess = true
      connection.site.counts.refused++
      this.#await(connection)
      return
    }
    this.#admitted++
    if (client === undefined) return
    connection.client = client
    this.#perClient.set(client, (this.#perClient.get(client) ?? 0) + 1)
  }

  leave(connection: Member): void {
    const { connections, perClient } = this.#limits
    if (this.#idle.size > 0) this.#idle.delete(connection)
    if (connections === false && perClient === false) return
    if (connection.excess) {
      this.#excess.delete(connection)
      return
    }
    this.#admitted--
    const { client } = connection
    if (client === undefined) return
    const others = (this.#perClient.get(client) ?? 1) - 1
    if (others === 0) this.#perClient.delete(client)
    else this.#perClient.set(client, others)
  }

  /** Over the limit the longest idle goes: if even its promise is not over, it is the oldest promise, and is counted as broken. */
  idle(connection: Member): void {
    if (this.#limits.idle === false) return
    this.#idle.add(connection)
    if (this.#idle.size <= this.#limits.idle) return
    for (const longest of this.#idle) {
      this.#idle.delete(longest)
      if (longest instanceof Session) leaveAfterPoll(longest, 'limit', ({ streams }) => streams.size === 0)
      else if (this.#overIdle.push({ connection: longest, requests: longest.requests }) === 1)
        longest.site.timers.after(TOGETHER, this.#closeOverIdle, { unref: true })
      return
    }
  }

  readonly #closeOverIdle = (): void => {
    const over = this.#overIdle.splice(0)
    atOnce(() => {
      for (const { connection, requests } of over)
        if (connection.requests === requests) attempt(connection, (one) => closeIfQuiet(one, 'limit', 'limit'))
    })
  }

  busy(connection: Member): void {
    if (this.#limits.idle !== false) this.#idle.delete(connection)
  }

  /** One too many waits for its request, since an answer to no request is none; but not for long, and not with too many others. */
  #await(connection: Member): void {
    const { quiet } = connection.site.policy.linger
    connection.setTimer(quiet, () => refuse(connection))
    this.#excess.add(connection)
    if (this.#excess.size <= this.#mostExcess) return
    for (const oldest of this.#excess) {
      this.#excess.delete(oldest)
      if (oldest instanceof Session) leave(oldest, 'limit')
      else shut(oldest, 'limit')
      return
    }
  }
}

/** It sent no request. */
function refuse(connection: Member): void {
  if (connection instanceof Session) leave(connection, 'limit')
  else closeIfQuiet(connection, 'limit')
}

import { performance } from 'node:perf_hooks'
import type { Connection } from '../http1/connection.js'
import type { OpenConnections } from '../http1/open-connections.js'
import { Session } from '../http2/session.js'
import { atOnce } from '../node/parser.js'
import { GRACE } from '../policy.js'
import type { AnyConnection } from './any-connection.js'

/** Something with connections: a governed server. */
export interface ServerConnections {
  readonly connections: OpenConnections
  readonly sessions: Iterable<Session> & { readonly size: number }
}

/** Which connections may be closed. */
interface Choice {
  /** How many at most. */
  readonly most: number
  /** Whether a connection was chosen before, and need not be chosen again. */
  readonly isChosen: (one: AnyConnection) => boolean
  /** Whether connections that have never sent a request may be closed, too. */
  readonly silent: boolean
}

/** The connections that may be closed, in the order in which they are. */
export interface LongestIdle {
  /** How many are idle, chosen or not. */
  readonly idle: number
  readonly chosen: readonly AnyConnection[]
}

/**
 * The connections that have been idle longest: first those past their promise; then, where silent ones may be closed, those that have sent nothing for
 * a second; then those whose promise this breaks. An HTTP/2 session has no promise.
 */
export function longestIdle(servers: Iterable<ServerConnections>, { most, isChosen, silent }: Choice): LongestIdle {
  const now = performance.now()
  const free: AnyConnection[] = []
  const quiet: AnyConnection[] = []
  const promised: Connection[] = []
  atOnce(() => {
    for (const { connections, sessions } of servers) {
      for (const connection of connections) {
        const { phase } = connection
        if ((phase !== 'idle' && phase !== 'silent') || connection.receiving || isChosen(connection)) continue
        if (phase === 'idle') (connection.promiseUntil <= now ? free : promised).push(connection)
        else if (silent && connection.lastUsed + GRACE <= now) quiet.push(connection)
      }
      for (const session of sessions) {
        const { state } = session
        if ((state !== 'idle' && state !== 'silent') || isChosen(session)) continue
        if (state === 'idle') free.push(session)
        else if (silent && session.lastUsed + GRACE <= now) quiet.push(session)
      }
    }
  })
  const idle = free.length + promised.length
  const chosen: AnyConnection[] = oldest(free, most)
  chosen.push(...oldest(quiet, most - chosen.length))
  chosen.push(...oldest(promised, most - chosen.length))
  return { idle, chosen }
}

function oldest<T extends AnyConnection>(members: T[], most: number): T[] {
  return most <= 0 ? [] : members.sort((one, other) => one.lastUsed - other.lastUsed).slice(0, most)
}

/** Whether nothing has arrived on a chosen connection since. */
export function isStillIdle(one: AnyConnection, requests: number): boolean {
  return (
    one.requests === requests &&
    (one instanceof Session ? one.streams.size === 0 : one.phase === 'idle' || one.phase === 'silent')
  )
}

import { performance } from 'node:perf_hooks'
import type { Connection } from '../http1/connection.js'
import type { OpenConnections } from '../http1/open-connections.js'
import { Session } from '../http2/session.js'
import { atOnce } from '../node/parser.js'
import { GRACE } from '../policy.js'

/** Something with connections: a governed server. */
export interface ServerConnections {
  readonly connections: OpenConnections
  readonly sessions: Iterable<Session> & { readonly size: number }
}

/** The connections that may be closed, in the order in which they are. */
export interface LongestIdle {
  /** How many are idle, chosen or not. */
  readonly idle: number
  readonly chosen: readonly (Connection | Session)[]
}

/**
 * The connections that have been idle longest: first those past their promise; then, if `silent` says so, those that have sent nothing for a second;
 * then those whose promise this breaks. `most`: how many, given the number of idle ones. An HTTP/2 session has no promise.
 */
export function longestIdle(
  servers: Iterable<ServerConnections>,
  most: (idle: number) => number,
  isChosen: (one: Connection | Session) => boolean,
  silent: boolean,
): LongestIdle {
  const now = performance.now()
  const free: (Connection | Session)[] = []
  const quiet: (Connection | Session)[] = []
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
  const left = most(idle)
  const chosen: (Connection | Session)[] = oldest(free, left)
  chosen.push(...oldest(quiet, left - chosen.length))
  chosen.push(...oldest(promised, left - chosen.length))
  return { idle, chosen }
}

function oldest<T extends Connection | Session>(members: T[], most: number): T[] {
  return most <= 0 ? [] : members.sort((one, other) => one.lastUsed - other.lastUsed).slice(0, most)
}

/** Whether nothing has arrived on a chosen connection since. */
export function isStillIdle(one: Connection | Session, requests: number): boolean {
  return (
    one.requests === requests &&
    (one instanceof Session ? one.streams.size === 0 : one.phase === 'idle' || one.phase === 'silent')
  )
}

import type { Http2SecureServer, Http2Server } from 'node:http2'
import { noteWritten } from '../http1/response-written.js'
import { LONGEST_DELAY } from '../node/real-timers.js'
import { settingsOf } from '../node/server-fields.js'
import { bufferOf, isHttp2, numberOf } from '../node/server-kinds.js'
import type { Policy } from '../options/types.js'
import { printablePromise } from '../policy.js'
import type { GovernedServer } from './governed-server.js'

// The settings of Node's server: the policy sets them, and follows where the application changes them later.

/** Writes the policy of a governed server into the server's own settings. */
export function impose(governed: GovernedServer): void {
  const { server, keepsAlive, policy } = governed
  governed.printable = printablePromise(policy.keepAlive)
  if (isHttp2(server)) limitStreams(server, policy.http2.streams)
  if (keepsAlive === undefined) return
  Reflect.set(server, 'httpAllowHalfOpen', policy.halfClosed > 0)
  // Node would announce the limit, leave the socket open and answer 503 to further requests; so halfclose counts itself.
  keepsAlive.maxRequestsPerSocket = 0
  governed.shownTimeout = shown(governed)
  keepsAlive.keepAliveTimeout = governed.shownTimeout
  governed.printed = Math.floor(governed.shownTimeout / 1_000) * 1_000
}

/**
 * Adopts what the application has set since: `const server = app.listen(); server.keepAliveTimeout = 65_000` is the usual order. It is checked for
 * every request: an accessor on the server would slow down all of Node's reads of its properties.
 */
export function follow(governed: GovernedServer, policyFor: (governed: GovernedServer) => Policy): void {
  const { keepsAlive, shownTimeout } = governed
  if (keepsAlive === undefined) return
  const { keepAliveTimeout, keepAliveTimeoutBuffer, maxRequestsPerSocket } = keepsAlive
  const isBuffered = Object.is(keepAliveTimeoutBuffer, governed.shownBuffer)
  if (keepAliveTimeout === shownTimeout && maxRequestsPerSocket === 0 && isBuffered) return
  if (!isBuffered) {
    governed.shownBuffer = keepAliveTimeoutBuffer
    governed.inherited = { ...governed.inherited, keepAliveTimeoutBuffer: bufferOf(governed.server) }
  }
  if (keepAliveTimeout !== shownTimeout)
    governed.inherited = { ...governed.inherited, keepAliveTimeout: numberOf(governed.server, 'keepAliveTimeout') }
  if (maxRequestsPerSocket !== 0) governed.inherited = { ...governed.inherited, maxRequestsPerSocket }
  governed.policy = policyFor(governed)
  impose(governed)
  governed.idleTimeout.holdAnew()
  for (const connection of governed.connections) noteWritten(connection)
}

/**
 * The milliseconds that Node prints as `timeout=`, in whole seconds, by default. Never 0: Node would not report then that the kernel has a response.
 * And no round number, which the application might set itself.
 */
function shown({ policy: { keepAlive }, inherited, server }: GovernedServer): number {
  if (keepAlive !== false) {
    const { timeout, hold } = keepAlive
    // Node adds its buffer, and replaces a delay that is too long by 1 ms.
    return Math.min((timeout >= 1_000 ? timeout : hold) + 1, LONGEST_DELAY - (bufferOf(server) ?? 1_000))
  }
  return inherited.keepAliveTimeout > 0 ? inherited.keepAliveTimeout : 5_000
}

/** Limits the streams, unless the application has set `maxConcurrentStreams` itself. */
function limitStreams(server: Http2Server | Http2SecureServer, streams: number | false): void {
  const settings = settingsOf(server)
  if (streams === false || settings === undefined || 'maxConcurrentStreams' in settings) return
  server.updateSettings({ maxConcurrentStreams: streams })
}

import type { Http2SecureServer, Http2Server } from 'node:http2'
import { noteWritten } from '../http1/response-written.js'
import { settingsOf } from '../node/server-fields.js'
import { bufferOf, isHttp2, numberOf } from '../node/server-kinds.js'
import { LONGEST } from '../node/standstill.js'
import type { Policy } from '../options/types.js'
import { printablePromise } from '../policy.js'
import type { Site } from './governed-server.js'

/** Puts a site's policy into its server's own settings. */
export function impose(site: Site): void {
  const { server, keepsAlive, policy } = site
  site.printable = printablePromise(policy.keepAlive)
  if (isHttp2(server)) limitStreams(server, policy.http2.streams)
  if (keepsAlive === undefined) return
  Reflect.set(server, 'httpAllowHalfOpen', policy.halfClosed > 0)
  // Node would announce the limit, leave the socket open and answer 503 to what follows; we count ourselves.
  keepsAlive.maxRequestsPerSocket = 0
  site.shownTimeout = shown(site)
  keepsAlive.keepAliveTimeout = site.shownTimeout
  site.printed = Math.floor(site.shownTimeout / 1_000) * 1_000
}

/**
 * Takes over what the application has set since: `const server = app.listen(); server.keepAliveTimeout = 65_000` is the usual order. Looked at
 * for every request: an accessor on the server would make all that Node looks up on it slow.
 */
export function follow(site: Site, policyFor: (site: Site) => Policy): void {
  const { keepsAlive, shownTimeout } = site
  if (keepsAlive === undefined) return
  const { keepAliveTimeout, keepAliveTimeoutBuffer, maxRequestsPerSocket } = keepsAlive
  const isBuffered = Object.is(keepAliveTimeoutBuffer, site.shownBuffer)
  if (keepAliveTimeout === shownTimeout && maxRequestsPerSocket === 0 && isBuffered) return
  if (!isBuffered) {
    site.shownBuffer = keepAliveTimeoutBuffer
    site.inherited = { ...site.inherited, keepAliveTimeoutBuffer: bufferOf(site.server) }
  }
  if (keepAliveTimeout !== shownTimeout)
    site.inherited = { ...site.inherited, keepAliveTimeout: numberOf(site.server, 'keepAliveTimeout') }
  if (maxRequestsPerSocket !== 0) site.inherited = { ...site.inherited, maxRequestsPerSocket }
  site.policy = policyFor(site)
  impose(site)
  site.expiry.holdAnew()
  for (const connection of site.registry) noteWritten(connection)
}

/**
 * What Node prints in whole seconds as `timeout=`, unless it is told otherwise. Never 0: Node would not say when a response is with the kernel; and
 * no round number, which the application might set itself.
 */
function shown({ policy: { keepAlive }, inherited, server }: Site): number {
  if (keepAlive !== false) {
    const { timeout, hold } = keepAlive
    // Node adds its buffer, and takes a timer that is too long for one of 1 ms.
    return Math.min((timeout >= 1_000 ? timeout : hold) + 1, LONGEST - (bufferOf(server) ?? 1_000))
  }
  return inherited.keepAliveTimeout > 0 ? inherited.keepAliveTimeout : 5_000
}

/** Unless the application has said how many streams may be open at once, by whatever name. */
function limitStreams(server: Http2Server | Http2SecureServer, streams: number | false): void {
  const settings = settingsOf(server)
  if (streams === false || settings === undefined || 'maxConcurrentStreams' in settings) return
  server.updateSettings({ maxConcurrentStreams: streams })
}

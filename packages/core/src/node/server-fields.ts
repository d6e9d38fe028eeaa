import type { Server } from 'node:net'
import type { AttachableServer } from './attachable-server.js'
import { isAttachable } from './server-kinds.js'

// Private fields of Node's servers, each with the reason why no public way exists.
// test/node-private.test.ts fails where a Node version changes one of these fields.

/**
 * How many open connections a server has accepted. The public `getConnections()` answers in a later turn of the loop, and stats() answers at once.
 */
export function acceptedBy(server: object): number {
  const accepted: unknown = Reflect.get(server, '_connections')
  return typeof accepted === 'number' ? accepted : 0
}

function hasListenHandle(server: Server): server is Server & { _handle: { listen(backlog: number): number } } {
  const handle: unknown = Reflect.get(server, '_handle')
  return typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'listen') === 'function'
}

/**
 * Shrinks the listener's backlog to nothing, so that few finished handshakes stand in the accept queue when the listener closes: the kernel resets
 * those. listen() on a listening socket only changes its backlog (POSIX), and Node does not expose that.
 */
export function shrinkBacklog(server: Server): void {
  if (hasListenHandle(server)) server._handle.listen(0)
}

/**
 * Whether new connections begin paused. Node has this as an option of a server that is made, and as a property that it reads at each connection. Returns
 * what it was before.
 */
export function pauseNewConnections(server: Server, pauses: boolean): boolean {
  const paused = Reflect.get(server, 'pauseOnConnect') === true
  Reflect.set(server, 'pauseOnConnect', pauses)
  return paused
}

/**
 * The settings that an http2 server was made with, or was given since. Node advertises no limit of streams by default (RFC 9113 §5.1.2), but
 * `updateSettings` would overrule a limit of the application, and there is no public way to see whether it has set one.
 */
export function settingsOf(server: object): object | undefined {
  const options = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'options')
  const value: unknown = options === undefined ? undefined : Reflect.get(server, options)
  if (typeof value !== 'object' || value === null || !('settings' in value)) return undefined
  return typeof value.settings === 'object' && value.settings !== null ? value.settings : undefined
}

/**
 * The servers that listen in this thread, and those that have an open connection: one that is closing, or one in a cluster's worker, for which the primary
 * listens. A server that has just closed may still be there. No public way finds a server that the application has made.
 */
export function openServers(): Set<AttachableServer> {
  const handles: unknown = Reflect.get(process, '_getActiveHandles')
  const found: unknown = typeof handles === 'function' ? Reflect.apply(handles, process, []) : undefined
  const servers = new Set<AttachableServer>()
  for (const open of Array.isArray(found) ? found : []) {
    const server: unknown = isAttachable(open) ? open : Reflect.get(Object(open), 'server')
    if (isAttachable(server)) servers.add(server)
  }
  return servers
}

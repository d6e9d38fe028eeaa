import type { Server } from 'node:net'

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
 * Whether new connections begin paused. Node has this as an option of a server that is made, and as a property that it reads at each connection.
 */
export function pauseNewConnections(server: Server, pauses: boolean): void {
  Reflect.set(server, 'pauseOnConnect', pauses)
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
 * The open handles of this thread, the listening servers among them; a server that has just closed may still be there. It is for an application that
 * is governed only after its server began to listen: there is no public way to find that server. In a cluster's worker the primary listens, so
 * nothing is found.
 */
export function listeningServers(): unknown[] {
  const handles: unknown = Reflect.get(process, '_getActiveHandles')
  const found: unknown = typeof handles === 'function' ? Reflect.apply(handles, process, []) : undefined
  return Array.isArray(found) ? found : []
}

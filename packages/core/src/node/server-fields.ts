import type { Server } from 'node:net'

// Private fields of Node's servers, each with the reason why no public way exists.
// test/node-private.test.ts fails where a Node version changes one of these fields.

/** How many open connections a server has accepted. The public way, `getConnections()`, tells it in a later turn, and statistics are asked for in this one. */
export function acceptedBy(server: object): number {
  const accepted: unknown = Reflect.get(server, '_connections')
  return typeof accepted === 'number' ? accepted : 0
}

function hasListenHandle(server: Server): server is Server & { _handle: { listen(backlog: number): number } } {
  const handle: unknown = Reflect.get(server, '_handle')
  return typeof handle === 'object' && handle !== null && typeof Reflect.get(handle, 'listen') === 'function'
}

/**
 * Shrinks the listener's backlog to nothing, so that as few finished handshakes as possible stand in the accept queue when it
 * closes: the kernel resets those. listen() on a listening socket only changes its backlog (POSIX); Node does not expose it.
 */
export function shrinkBacklog(server: Server): void {
  if (hasListenHandle(server)) server._handle.listen(0)
}

/**
 * The settings that an http2 server was made with, or given since. Without a limit Node advertises none (RFC 9113 §5.1.2), but
 * `updateSettings` would overrule one that the application chose, and nothing public tells whether it did.
 */
export function settingsOf(server: object): object | undefined {
  const options = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'options')
  const value: unknown = options === undefined ? undefined : Reflect.get(server, options)
  if (typeof value !== 'object' || value === null || !('settings' in value)) return undefined
  return typeof value.settings === 'object' && value.settings !== null ? value.settings : undefined
}

/**
 * Servers of this thread that listen, among other things that are open; one that has just closed may be there still. For an application that is governed only after it began to: no public way leads from it to them. In a
 * cluster's worker the primary listens, and nothing is found.
 */
export function listeningServers(): unknown[] {
  const handles: unknown = Reflect.get(process, '_getActiveHandles')
  const found: unknown = typeof handles === 'function' ? Reflect.apply(handles, process, []) : undefined
  return Array.isArray(found) ? found : []
}

import type { EventEmitter } from 'node:events'

/** On the request listener of a view; in the global registry, since two copies of this package may be loaded. */
export const VIEW = Symbol.for('halfclose.view')

/** Whether a server is there to look at the connections of others: nobody governs it by himself, and no drain waits for it. */
export function isViewServer(server: EventEmitter): boolean {
  return server.listeners('request').some((listener) => VIEW in listener)
}

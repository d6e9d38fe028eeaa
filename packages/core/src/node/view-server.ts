import type { EventEmitter } from 'node:events'

/** Marks the request listener of a view. It is in the global registry, since two copies of this package may be loaded. */
export const VIEW = Symbol.for('halfclose.view')

/** Whether a server only shows the connections of others: halfclose does not govern it unasked, and no drain waits for it. */
export function isViewServer(server: EventEmitter): boolean {
  return server.listeners('request').some((listener) => VIEW in listener)
}

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { isAttachable } from '../node/server-kinds.js'
import type { AttachableServer } from '../types.js'

/** Node publishes it in `listen()`, before the address is bound: nothing can have been accepted yet. */
const LISTEN = 'tracing:net.server.listen:asyncStart'

/**
 * Shows every HTTP server of the process to `watcher` before it listens, until the function returned is called. Weakly:
 * applications are dropped without being closed, by tests for example, and must not be kept by this.
 */
export function watchListen(watcher: { adopt(server: AttachableServer, listening: unknown): void }): () => void {
  const watching = new WeakRef(watcher)
  const stop = () => {
    unsubscribe(LISTEN, onListen)
  }
  const onListen = (message: unknown): void => {
    const still = watching.deref()
    if (still === undefined) {
      // Not at once: on Node 20 that would hide this very listen from the subscriber behind us.
      queueMicrotask(stop)
      return
    }
    if (typeof message !== 'object' || message === null || !('server' in message)) return
    const { server } = message
    if (isAttachable(server)) still.adopt(server, 'options' in message ? message.options : undefined)
  }
  subscribe(LISTEN, onListen)
  return stop
}

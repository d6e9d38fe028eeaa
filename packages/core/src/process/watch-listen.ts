import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { queueMicrotask } from '../node/real-timers.js'
import { isAttachable } from '../node/server-kinds.js'
import type { AttachableServer } from '../types.js'

/** Node publishes it in `listen()`, before the address is bound, so no connection can have been accepted yet. */
const LISTEN = 'tracing:net.server.listen:asyncStart'

/**
 * Shows `watcher` every HTTP server of the process before it listens, until the returned function is called. The watcher is held weakly: applications
 * are dropped without being closed, by tests for example, and this must not keep them alive.
 */
export function watchListen(watcher: { adopt(server: AttachableServer, listening: unknown): void }): () => void {
  const watching = new WeakRef(watcher)
  const stop = () => {
    unsubscribe(LISTEN, onListen)
  }
  const onListen = (message: unknown): void => {
    const still = watching.deref()
    if (still === undefined) {
      // Not at once: on Node 20 the next subscriber would not be told of this very listen.
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

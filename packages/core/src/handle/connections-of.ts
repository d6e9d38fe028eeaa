import { HalfcloseTypeError } from '../errors/errors.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { notAServer } from '../node/not-a-server.js'
import { isAttachable } from '../node/server-kinds.js'
import type { Connections } from '../types.js'

/** The handle, on every governed server. It is in the global registry, since two copies of this package may be loaded. */
const ATTACHED = Symbol.for('halfclose.attached')

export function isAttached(server: AttachableServer): boolean {
  return ATTACHED in server
}

export function markAttached(server: AttachableServer, handle: Connections): void {
  Object.defineProperty(server, ATTACHED, { value: handle })
}

/** The handle of a server that `attach`, an adapter or `--import @halfclose/core/register` governs; `undefined`: none does. Within a request the server is `req.socket.server`. The handle may come from another copy of this package. */
export function connectionsOf(server: object): Connections | undefined {
  const handle: unknown = Reflect.get(server, ATTACHED)
  return isHandle(handle) ? handle : undefined
}

/** Older copies of this package left no handle. */
function isHandle(value: unknown): value is Connections {
  return typeof value === 'object' && value !== null && 'drain' in value && 'remaining' in value
}

/** Throws if a server cannot be attached, or has a policy already. */
export function assertAttachable(server: unknown): asserts server is AttachableServer {
  if (!isAttachable(server)) throw notAServer(server)
  if (isAttached(server)) {
    const message =
      'halfclose: this server has a policy already; attach() it once, and keep the handle that it returned; `connectionsOf(server)` returns it, too'
    throw new HalfcloseTypeError('HALFCLOSE_ALREADY_ATTACHED', message)
  }
}

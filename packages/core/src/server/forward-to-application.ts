import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RequestEvent } from '../http/messages.js'
import type { AttachableServer } from '../node/attachable-server.js'

// How the application gets an event after halfclose has seen it: by the `emit` that other code had put on the server before; otherwise by that of the
// prototype, looked up for each event, so that a wrapper that is put there later (an APM) still runs.

/** Passes events on to the listeners that would have got them without halfclose. Each returns what `emit` returns. */
export interface Forwarders {
  readonly forward: (event: string, args: readonly unknown[]) => boolean
  /** The same for a request, without an array of its arguments. */
  readonly forwardRequest: (event: RequestEvent, req: IncomingMessage, res: ServerResponse) => boolean
  /** The same for a connection. */
  readonly forwardConnection: (socket: Socket) => boolean
}

export function forwardersOf(server: AttachableServer): Forwarders {
  const emitOf = emitter(server)
  return {
    forward: (event, args) => Reflect.apply(emitOf(), server, [event, ...args]) === true,
    forwardRequest: (event, req, res) => emitOf().call(server, event, req, res) === true,
    forwardConnection: (socket) => emitOf().call(server, 'connection', socket) === true,
  }
}

function emitter(server: AttachableServer): () => AttachableServer['emit'] {
  const own: AttachableServer['emit'] | undefined = Object.getOwnPropertyDescriptor(server, 'emit')?.value
  if (own !== undefined) return () => own
  const prototype: AttachableServer = Object.getPrototypeOf(server)
  return () => prototype.emit
}

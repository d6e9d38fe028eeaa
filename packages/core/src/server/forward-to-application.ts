import { EventEmitter } from 'node:events'
import type { AttachableServer } from '../node/attachable-server.js'
import type { GovernedServer } from './governed-server.js'

// How the application gets an event after halfclose has seen it: by the `emit` that other code had put on the server before; otherwise by that of the
// prototype, looked up for each event, so that a wrapper that is put there later (an APM) still runs.

/** Passes an event on. */
export function forwarder(server: AttachableServer): GovernedServer['forward'] {
  const emitOf = emitter(server)
  return (event, args) => Reflect.apply(emitOf(), server, [event, ...args]) === true
}

/** The same for requests. */
export function requestForwarder(server: AttachableServer): GovernedServer['forwardRequest'] {
  const emitOf = emitter(server)
  return (event, req, res) => {
    const emit = emitOf()
    return emit === nodeEmit ? nodeEmit.call(server, event, req, res) : emit.call(server, event, req, res) === true
  }
}

/** The same for a connection. */
export function connectionForwarder(server: AttachableServer): GovernedServer['forwardConnection'] {
  const emitOf = emitter(server)
  return (socket) => {
    const emit = emitOf()
    return emit === nodeEmit ? nodeEmit.call(server, 'connection', socket) : emit.call(server, 'connection', socket) === true
  }
}

/** Node's own method, which V8 compiles inline where it is called by this name. */
const nodeEmit = EventEmitter.prototype.emit

function emitter(server: AttachableServer): () => AttachableServer['emit'] {
  const own: AttachableServer['emit'] | undefined = Object.getOwnPropertyDescriptor(server, 'emit')?.value
  if (own !== undefined) return () => own
  const prototype: AttachableServer = Object.getPrototypeOf(server)
  return () => prototype.emit
}

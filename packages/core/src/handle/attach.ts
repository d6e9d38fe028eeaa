import { HalfcloseTypeError } from '../errors/errors.js'
import { keepTickShape } from '../node/v8-next-tick-shape.js'
import type { AttachableServer, Connections, Options } from '../types.js'
import type { AdapterConnections, AdapterHooks } from './adapter-connections.js'
import { Handle } from './handle.js'

/**
 * Puts a server's connections under a policy and returns their handle.
 *
 * Throws a `TypeError` or `RangeError` with a stable `code` for a wrong option (`HALFCLOSE_OPTION_…`), for a value that is no `http`, `https` or `http2` server
 * (`HALFCLOSE_NOT_A_SERVER`), for a server that has a policy already (`HALFCLOSE_ALREADY_ATTACHED`), and on Bun and Deno (`HALFCLOSE_UNSUPPORTED_RUNTIME`). It
 * never exits the process and installs no signal handler. It takes over connections that are open already, at their next request at the latest; a warning
 * counts those that are not known yet (HTTP/2 sessions, streams that are no sockets).
 */
export function attach(server: AttachableServer, options?: Options): Connections {
  return createConnections(options).attach(server)
}

/** A handle without a server, for adapters: `attach(server, options)` is `createConnections(options).attach(server)`. */
export function createConnections(options?: Options, hooks: AdapterHooks = {}): AdapterConnections {
  if ('bun' in process.versions || 'deno' in process.versions) {
    const message =
      'halfclose: this runtime is not supported: Bun and Deno have no net.Socket below their HTTP servers; run it on Node.js'
    throw new HalfcloseTypeError('HALFCLOSE_UNSUPPORTED_RUNTIME', message)
  }
  keepTickShape()
  return new Handle(options, hooks)
}

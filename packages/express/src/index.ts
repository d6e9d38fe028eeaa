import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AdapterOptions, type Connections, govern, optionTypeError, type Report } from '@halfclose/core/adapter'
import { requireExpress } from './app.js'
import { watchRequests } from './requests.js'

export type * from '@halfclose/core'
export { clientGone, connectionsOf } from '@halfclose/core'

/** Options of {@link halfclose}: those of `attach` in `@halfclose/core`, and three more. Durations are milliseconds. */
export interface HalfcloseExpressOptions extends AdapterOptions {
  /**
   * Called when the last connection has ended, to close the database and the like: after a drain on a signal, which then waits for it before the process exits
   * (a rejection makes the exit code 1), and after `connections.drain()`. Not after `server.close()`: the application may listen again, as tests do.
   */
  onDrained?: ((report: Report) => void | Promise<void>) | undefined
}

/** An Express application as Node sees it, so that `@types/express` is not needed. */
export type ExpressApplication = (req: IncomingMessage, res: ServerResponse) => unknown

/**
 * Puts every server of an Express application (4 or 5) under one connection policy, and returns the handle. It covers `app.listen()` and
 * `http.createServer(app)`, even if they listen already: their open connections are governed from then on. `connections.attach(server)` adds
 * any other server. A server that calls the app from a function, or from socket.io, or that never listens itself, is recognised by its first request, or on a
 * signal if there was none: it is governed from then on, and a warning with the code `HALFCLOSE_SERVER_NOT_GOVERNED` says what to write.
 *
 * `drain` is `'fast'` if NODE_ENV is `test` or `development`, under `node --watch`, and on Ctrl-C, unless the option says otherwise.
 *
 * @throws `HALFCLOSE_NOT_AN_APP`, `HALFCLOSE_ALREADY_REGISTERED`, `HALFCLOSE_OPTION_…`, `HALFCLOSE_UNSUPPORTED_RUNTIME`
 */
export function halfclose(app: ExpressApplication, options?: HalfcloseExpressOptions): Connections {
  requireExpress(app)
  const onDrained = options?.onDrained
  if (onDrained !== undefined && typeof onDrained !== 'function') {
    throw optionTypeError('onDrained', 'a function that takes the report', onDrained)
  }
  const governed = govern(
    {
      name: 'express',
      handler: app,
      alsoKnown: ['onDrained'],
      already:
        'halfclose: this Express app has a policy already; call `halfclose(app, options)` once, and keep the handle that it returned',
      drained: onDrained,
      closing: '`onDrained`',
      watchRequests: (look) => watchRequests(app, look),
    },
    options,
  )
  return governed.connections
}

export default halfclose

import type { WatchRequests } from '../http/messages.js'
import type { AttachableServer, Logger, Report } from '../types.js'

/** An adapter's description of its application. */
export interface Application {
  /** The name in the log, e.g. `'express'`. */
  readonly name: string
  /** The `request` listener of the application's servers: it tells them from other servers, and is marked when the application is governed. */
  readonly handler: object
  /** Names of options that the adapter or the framework reads itself. */
  readonly alsoKnown: readonly string[]
  /** The logger, if the options have none. */
  readonly logger?: Logger | undefined
  /** The error text for an application that is governed already: what is wrong, and the line that would be right. */
  readonly already: string
  /** Called when a server was attached because it is about to listen. */
  adopted?(server: AttachableServer): void
  /**
   * Shows the application's requests. It serves to recognise a server that does not call the handler itself, by the first request that comes through
   * it. Without it, a signal drains such a server, and its requests so far are not governed.
   */
  readonly watchRequests?: WatchRequests | undefined
  /** Closes the application on a signal. Called as soon as the drain has begun. Without it the application ends with its last connection. */
  close?(): Promise<unknown>
  /** Called after a drain that was asked for; a signal waits for it. */
  drained?: ((report: Report) => unknown) | undefined
  /** The name of the application's own closing, e.g. `` `onDrained` ``. */
  readonly closing: string
}

import type { WatchRequests } from '../http/messages.js'
import type { AttachableServer, Logger, Report } from '../types.js'

/** What an adapter knows of its application. */
export interface Application {
  /** For the log, e.g. `'express'`. */
  readonly name: string
  /** The `request` listener of the application's servers: what tells them from others, and what carries the mark that it is governed. */
  readonly handler: object
  /** Names of options that the adapter, or the framework, reads itself. */
  readonly alsoKnown: readonly string[]
  /** Where the options have none. */
  readonly logger?: Logger | undefined
  /** What is wrong, and the line that would be right, where this application is governed already. */
  readonly already: string
  /** One of the application's servers was attached because it is about to listen. */
  adopted?(server: AttachableServer): void
  /**
   * How one sees the application's requests. With it a server that cannot be told by the handler is recognised by the first request that
   * comes through it. Not for applications whose servers are all attached by the adapter.
   */
  readonly watchRequests?: WatchRequests | undefined
  /** Closes the application on a signal. Called as soon as the drain has begun. Without it the application ends with its last connection. */
  close?(): Promise<unknown>
  /** After a drain that was asked for; a signal waits for it. */
  drained?: ((report: Report) => unknown) | undefined
  /** What the application's own closing is called, e.g. `` `onDrained` ``. */
  readonly closing: string
}

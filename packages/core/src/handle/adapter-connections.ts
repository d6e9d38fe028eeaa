import type { Intercept } from '../http/messages.js'
import type { AttachableServer } from '../node/attachable-server.js'
import type { Connections } from '../types.js'

/** Options that an adapter adds for its handle. */
export interface AdapterHooks {
  /** Names of options that the adapter reads itself. */
  alsoKnown?: readonly string[] | undefined
  /** Answers a request before the application sees it. Returns whether it did. */
  intercept?: Intercept | undefined
  /** The application can be used only once: a server that it lets listen after the drain is closed again. */
  once?: boolean | undefined
  /** Called when a server has come under the policy. */
  attached?: ((server: AttachableServer) => void) | undefined
  /** Lines that come with every server are logged only once, because this process is a test or under development. */
  quiet?: boolean | undefined
  /** Called when a server that does not listen has got its first connection from code that listens for it. */
  onFirstInjectedConnection?: (() => void) | undefined
}

/** The handle of an adapter. */
export interface AdapterConnections extends Connections {
  /** `listening`: the options of a listen() that is under way. */
  attach(server: AttachableServer, listening?: unknown): this
  /**
   * Drains. Resolves as soon as everything that is left has been handed over to another protocol, so that the application can close that
   * (WebSockets), until the drain's deadline.
   */
  answered(): Promise<void>
}

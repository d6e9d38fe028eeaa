import type { Intercept } from '../http/messages.js'
import type { AttachableServer } from '../node/attachable-server.js'
import type { Connections } from '../types.js'

/** What an adapter adds to the options. */
export interface Extras {
  /** Names of options that the adapter reads itself. */
  alsoKnown?: readonly string[] | undefined
  /** Answers a request before the application sees it; true: it did. */
  intercept?: Intercept | undefined
  /** The application has one life: a server of it that begins to listen after the drain is closed again. */
  once?: boolean | undefined
  /** A server has come under the policy. */
  attached?: ((server: AttachableServer) => void) | undefined
  /** Lines that come with every server are logged once: nobody waits for a drain, since this is a test. */
  quiet?: boolean | undefined
  /** A server that does not listen has got its first connection, from others that listen for it. */
  fed?: (() => void) | undefined
}

/** What an adapter's handle can do besides. */
export interface AdapterConnections extends Connections {
  /** `listening`: the options of a listen() that is under way. */
  attach(server: AttachableServer, listening?: unknown): this
  /**
   * Drains; resolves as soon as whatever is left has been handed over to another protocol, so that the application can close that
   * (WebSockets): it has until the drain's deadline, like everything else.
   */
  answered(): Promise<void>
}

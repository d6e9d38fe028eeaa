import type { Options } from '@halfclose/core'
import type { ServerSettings } from '../../../../test/support/host.js'

/** A way to end a connection. */
export interface Way<Client, Host> {
  readonly options?: Options
  readonly server?: ServerSettings
  /** Off: the client does not answer the server's FIN. */
  readonly obliging?: false
  /** The `error.type` of its duration; none: it has not failed. */
  readonly failure?: string
  readonly act: (client: Client, host: Host) => unknown
}

/** The ways by their letters. */
export type Ways<Client, Host> = Readonly<Record<string, readonly Way<Client, Host>[]>>

import type { ClientOptions } from '../dial.js'
import type { Fields } from './hpack.js'

/** Where to connect, and what kind of HTTP/2 client to be. */
export interface FrameClientOptions extends Omit<ClientOptions, 'reads' | 'alpn'> {
  /** SETTINGS to send with the preface. */
  settings?: readonly (readonly [id: number, value: number])[] | undefined
  /** The value of `:authority`. Default: example */
  authority?: string | undefined
  /** The value of `:scheme`. Default: http */
  scheme?: string | undefined
  /** Send the connection preface at once (default). Off: until start() is called. */
  preface?: boolean | undefined
  /** Acknowledge SETTINGS and PING, and update the windows for what was received (default). */
  polite?: boolean | undefined
}

/** A request on a stream. */
export interface RequestOptions {
  /** Default: GET */
  method?: string | undefined
  /** Fields besides the pseudo fields. */
  fields?: Fields | undefined
  /** The request ends with its head (default). */
  end?: boolean | undefined
}

/**
 * One connection to a server, byte by byte: it sends exactly what it is told to, parses the answer without tolerance, and records how the connection
 * ended. The probe's checks and halfclose's tests use it.
 */
export { Client } from './client.js'
export type { ClientOptions } from './dial.js'
export { Answer } from './http2/answer.js'
export { FrameClient } from './http2/client.js'
export {
  ACK,
  describeFrame,
  END_HEADERS,
  END_STREAM,
  errors,
  type Frame,
  type FrameOf,
  FrameParser,
  frame,
  NUMBERS,
  PREFACE,
  settings,
  settingsFrame,
  uint32,
} from './http2/frames.js'
export { encodeFields, FieldDecoder, type Fields } from './http2/hpack.js'
export type { FrameClientOptions, RequestOptions } from './http2/options.js'
export type { Poured } from './pace.js'
export { ask, get, get10, pipeline, post, postHead } from './requests.js'
export { type Ending, Response, ResponseParser } from './responses.js'
export { Records, tap } from './tls-tap.js'
export { type Line, Transcript } from './transcript.js'
export { Arrivals, type Deferred, deferred, pass, patience, until, within } from './wait.js'

import type {
  DrainOptions,
  Http2Options,
  KeepAliveOptions,
  LimitsOptions,
  LingerOptions,
  Options,
  ProbeOptions,
  TcpOptions,
} from './types.js'

// They are records so that the compiler finds a name that options/types.ts gains or loses.
/** The names of the options, by section; `''` has those of the first level. */
export const SECTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    '',
    names<keyof Options>({
      keepAlive: 1,
      halfClosed: 1,
      linger: 1,
      drain: 1,
      limits: 1,
      tcp: 1,
      http2: 1,
      behind: 1,
      logger: 1,
      connectionLog: 1,
    }),
  ],
  ['keepAlive', names<keyof KeepAliveOptions>({ timeout: 1, hold: 1, maxRequests: 1, maxAge: 1, http10: 1, parameters: 1 })],
  // Before `linger`: `connections` in a wrong place means the limit.
  ['limits', names<keyof LimitsOptions>({ connections: 1, perClient: 1, idle: 1, minRate: 1, stalled: 1, refuse: 1 })],
  ['linger', names<keyof LingerOptions>({ quiet: 1, total: 1, bytes: 1, connections: 1 })],
  ['tcp', names<keyof TcpOptions>({ noDelay: 1, keepAlive: 1 })],
  ['tcp.keepAlive', names<keyof ProbeOptions>({ idle: 1, interval: 1, count: 1 })],
  ['http2', names<keyof Http2Options>({ hold: 1, streams: 1, resets: 1, control: 1, stalled: 1 })],
  ['drain', names<keyof DrainOptions>({ delay: 1, deadline: 1, idle: 1, silent: 1, upgraded: 1, minRate: 1 })],
])

function names<K extends string>(all: Readonly<Record<K, 1>>): readonly string[] {
  return Object.keys(all)
}

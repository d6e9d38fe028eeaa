import fc from 'fast-check'
import {
  ACK,
  END_HEADERS,
  END_STREAM,
  encodeFields,
  type Fields,
  frame,
  NUMBERS,
  PREFACE,
  settingsFrame,
  uint32,
} from '../../support/h2/frames.js'

export const PATHS = [
  '/',
  '/ready',
  '/slow',
  '/held',
  '/big',
  '/read',
  '/half',
  '/error',
  '/close',
  '/cancel',
  '/file',
  '/push',
  '/late-head',
] as const

/** `stream`: counted back from the one that was opened last; beyond them one that was never opened. */
export type Step =
  | { do: 'request'; method: string; path: string; end: boolean; whole: boolean }
  | { do: 'tunnel' }
  | { do: 'data'; stream: number; bytes: number; end: boolean; padded: boolean }
  | { do: 'trailers'; stream: number }
  | { do: 'reset'; stream: number; code: number }
  | { do: 'settings'; id: number; value: number }
  | { do: 'window'; stream: number; bytes: number }
  | { do: 'goaway'; code: number; last: number }
  | { do: 'continuation'; stream: number; bytes: number }
  | { do: 'ping' }
  | { do: 'push-promise' }
  | { do: 'garbage'; type: number; flags: number; stream: number; bytes: number }
  | { do: 'junk'; bytes: number }
  | { do: 'acknowledge' }

/** What the server does meanwhile is not known: `rest` lets it have its turn, so many times. */
export interface Move {
  steps: Step[]
  rest: number
}

export interface Script {
  options: object
  clients: { tls: boolean; reads: boolean; preface: 'whole' | 'half' | 'none'; moves: Move[]; leave: 'fin' | 'reset' | 'stay' }[]
  /** Before which move of the last client the drain begins; beyond them: behind all. */
  drain: number
}

/** Makes the bytes of one client's steps. */
export class Scribe {
  #last = -1

  static preface(kind: 'whole' | 'half' | 'none'): Buffer {
    if (kind === 'whole') return Buffer.concat([PREFACE, settingsFrame([[2, 1]])])
    return kind === 'half' ? PREFACE.subarray(0, 11) : Buffer.alloc(0)
  }

  bytes(step: Step): Buffer {
    switch (step.do) {
      case 'request': {
        const fields: Fields = [
          [':method', step.method],
          [':scheme', 'http'],
          [':authority', 'a'],
          [':path', step.path],
        ]
        return this.#open(fields, (step.whole ? END_HEADERS : 0) | (step.end ? END_STREAM : 0))
      }
      case 'tunnel':
        return this.#open(
          [
            [':method', 'CONNECT'],
            [':authority', 'a:1'],
          ],
          END_HEADERS,
        )
      case 'data': {
        const body = Buffer.alloc(step.bytes, 'd')
        return frame('DATA', (step.end ? END_STREAM : 0) | (step.padded ? 8 : 0), this.#of(step.stream), body)
      }
      case 'trailers':
        return frame('HEADERS', END_HEADERS | END_STREAM, this.#of(step.stream), encodeFields([['trailer', 'x']]))
      case 'reset':
        return frame('RST_STREAM', 0, this.#of(step.stream), uint32(step.code))
      case 'settings':
        return settingsFrame([[step.id, step.value]])
      case 'window':
        return frame('WINDOW_UPDATE', 0, step.stream < 0 ? 0 : this.#of(step.stream), uint32(step.bytes))
      case 'goaway':
        return frame('GOAWAY', 0, 0, Buffer.concat([uint32(step.last), uint32(step.code)]))
      case 'continuation':
        return frame('CONTINUATION', END_HEADERS, this.#of(step.stream), Buffer.alloc(step.bytes))
      case 'ping':
        return frame('PING', 0, 0, Buffer.alloc(8))
      case 'push-promise':
        return frame('PUSH_PROMISE', END_HEADERS, this.#of(0), uint32(2))
      case 'acknowledge':
        return Buffer.concat([frame('SETTINGS', ACK, 0), frame('PING', ACK, 0, Buffer.alloc(8))])
      case 'garbage': {
        const one = frame('PING', step.flags, this.#of(step.stream), Buffer.alloc(step.bytes, step.type))
        one.writeUInt8(step.type, 3)
        return one
      }
      case 'junk':
        return Buffer.alloc(step.bytes, 0xa5)
    }
  }

  #open(fields: Fields, flags: number): Buffer {
    this.#last += 2
    return frame('HEADERS', flags, this.#last, encodeFields(fields))
  }

  #of(back: number): number {
    const stream = this.#last - 2 * back
    return stream > 0 ? stream : this.#last + 2 - 2 * Math.min(back, 0) + 4
  }
}

const code = fc.oneof(fc.integer({ min: 0, max: 13 }), fc.constantFrom(0x100, 2 ** 32 - 1))
const stream = fc.constantFrom(0, 0, 0, 1, 2, 99)
const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary })

const step: fc.Arbitrary<Step> = fc.oneof(
  often(
    10,
    fc.record({
      do: fc.constant('request' as const),
      method: fc.constantFrom('GET', 'GET', 'GET', 'HEAD', 'POST', 'OPTIONS'),
      path: fc.constantFrom(...PATHS),
      end: fc.boolean(),
      whole: fc.constantFrom(true, true, true, true, true, true, true, false),
    }),
  ),
  often(1, fc.record({ do: fc.constant('tunnel' as const) })),
  often(
    4,
    fc.record({
      do: fc.constant('data' as const),
      stream,
      bytes: fc.constantFrom(0, 1, 300, 16_384, 16_385),
      end: fc.boolean(),
      padded: fc.constantFrom(false, false, false, true),
    }),
  ),
  often(1, fc.record({ do: fc.constant('trailers' as const), stream })),
  often(6, fc.record({ do: fc.constant('reset' as const), stream, code })),
  often(
    2,
    fc.record({
      do: fc.constant('settings' as const),
      id: fc.constantFrom(1, 2, 3, 4, 4, 4, 5, 6, 8, 99),
      value: fc.constantFrom(0, 0, 1, 100, 65_535, 2 ** 31 - 1, 2 ** 32 - 1),
    }),
  ),
  often(
    3,
    fc.record({
      do: fc.constant('window' as const),
      stream: fc.constantFrom(-1, -1, 0, 0, 1, 99),
      bytes: fc.constantFrom(0, 1, 1_000, 500_000, 2 ** 31 - 1),
    }),
  ),
  often(1, fc.record({ do: fc.constant('goaway' as const), code, last: fc.constantFrom(0, 1, 2 ** 31 - 1) })),
  often(1, fc.record({ do: fc.constant('continuation' as const), stream, bytes: fc.constantFrom(0, 3, 40) })),
  often(2, fc.record({ do: fc.constant('ping' as const) })),
  often(2, fc.record({ do: fc.constant('acknowledge' as const) })),
  often(1, fc.record({ do: fc.constant('push-promise' as const) })),
  often(
    1,
    fc.record({
      do: fc.constant('garbage' as const),
      type: fc.oneof(fc.constantFrom(...Object.values(NUMBERS)), fc.integer({ min: 0, max: 255 })),
      flags: fc.integer({ min: 0, max: 255 }),
      stream,
      bytes: fc.constantFrom(0, 1, 3, 4, 5, 8, 9, 100),
    }),
  ),
  often(1, fc.record({ do: fc.constant('junk' as const), bytes: fc.constantFrom(1, 9, 100) })),
)

const client = fc.record({
  tls: fc.boolean(),
  reads: fc.constantFrom(true, true, true, false),
  preface: fc.constantFrom(
    'whole' as const,
    'whole' as const,
    'whole' as const,
    'whole' as const,
    'half' as const,
    'none' as const,
  ),
  moves: fc.array(fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 4 }), rest: fc.integer({ min: 0, max: 3 }) }), {
    minLength: 0,
    maxLength: 6,
  }),
  leave: fc.constantFrom('fin' as const, 'reset' as const, 'stay' as const),
})

/** Refusals, readiness, limits, rates, half-closed clients and the shortest bounds. */
const options = fc.record({
  limits: fc.record({
    connections: fc.constantFrom(1, 1, 2, 100),
    perClient: fc.constantFrom(false, false, 1),
    idle: fc.constantFrom(false, 1),
    minRate: fc.constantFrom(false, 240),
    refuse: fc.constantFrom('answer', 'answer', 'answer', 'drop'),
  }),
  keepAlive: fc.constantFrom(false, { timeout: 0 }, { maxRequests: 2 }),
  halfClosed: fc.constantFrom(0, 30, 100),
  http2: fc.record({ streams: fc.constantFrom(1, 128), resets: fc.constantFrom(1, 500), control: fc.constantFrom(2, 1_000) }),
  linger: fc.constant({ quiet: 60, total: 120 }),
  drain: fc.record({
    delay: fc.constantFrom(0, 0, 20),
    deadline: fc.constantFrom(100, 250),
    idle: fc.constant(0),
    silent: fc.constantFrom(0, 50),
    minRate: fc.constant(240),
  }),
  readiness: fc.constant('/ready'),
})

export const frameScript: fc.Arbitrary<Script> = fc.record({
  options,
  clients: fc.array(client, { minLength: 1, maxLength: 4 }),
  drain: fc.integer({ min: 0, max: 6 }),
})

import { runInNewContext } from 'node:vm'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Inherited } from '../src/node/server-kinds.js'
import { FAST_DRAIN } from '../src/options/drain.js'
import { loggerOf, parseOptions } from '../src/options/parse.js'

const NODE: Inherited = { keepAliveTimeout: 5_000, maxRequestsPerSocket: 0 }
const FASTIFY: Inherited = { ...NODE, keepAliveTimeout: 72_000 }
const LONGEST = 2 ** 31 - 1

const DEFAULTS = {
  keepAlive: { timeout: 5_000, hold: 6_000, maxRequests: false, maxAge: false, http10: 'grant', parameters: '' },
  halfClosed: 5_000,
  linger: { quiet: 2_000, total: 30_000, bytes: 67_108_864, connections: 1_000 },
  drain: { delay: 0, deadline: 20_000, idle: 'promise', silent: 5_000, upgraded: 20_000, minRate: 240 },
  limits: { connections: false, perClient: false, idle: false, minRate: false, stalled: 60_000, refuse: 'answer' },
  tcp: { noDelay: true, keepAlive: 60_000 },
  http2: { hold: 72_000, streams: 128, resets: 500, control: 1_000, stalled: 60_000 },
}

function policyOf(options: unknown, inherited = NODE) {
  return parseOptions(options, inherited).policy
}

function keepAliveOf(options: unknown, inherited = NODE) {
  const { keepAlive } = policyOf({ keepAlive: options }, inherited)
  if (keepAlive === false) throw new Error('keepAlive is false')
  return keepAlive
}

function warningsOf(options: unknown, inherited = NODE) {
  return parseOptions(options, inherited).warnings
}

function errorOf(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  throw new Error('did not throw')
}

function expectFrozen(value: unknown): void {
  expect(Object.isFrozen(value)).toBe(true)
  if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) expectFrozen(inner)
}

describe('defaults', () => {
  test.each([
    ['nothing', undefined],
    ['an empty object', {}],
    ['an object without prototype', Object.create(null)],
    ["another realm's object", runInNewContext('({})')],
    [
      'every option undefined',
      { keepAlive: undefined, halfClosed: undefined, linger: undefined, drain: undefined, logger: undefined },
    ],
    [
      'every inner option undefined',
      {
        keepAlive: {
          timeout: undefined,
          hold: undefined,
          maxRequests: undefined,
          maxAge: undefined,
          http10: undefined,
          parameters: undefined,
        },
        linger: { quiet: undefined, total: undefined, bytes: undefined, connections: undefined },
        drain: { delay: undefined, deadline: undefined, idle: undefined, silent: undefined },
      },
    ],
  ])('%s', (_, options) => {
    const { policy, warnings } = parseOptions(options, NODE)
    expect(policy).toEqual(DEFAULTS)
    expect(warnings).toEqual([])
    expectFrozen(policy)
    expectFrozen(warnings)
  })

  test('parts are merged with them', () => {
    const policy = policyOf({ halfClosed: 0, linger: { quiet: 1 }, drain: { silent: 7 }, keepAlive: { maxAge: 0.5 } })
    expect(policy).toEqual({
      ...DEFAULTS,
      keepAlive: { ...DEFAULTS.keepAlive, maxAge: 0.5 },
      halfClosed: 0,
      linger: { ...DEFAULTS.linger, quiet: 1 },
      drain: { ...DEFAULTS.drain, silent: 7 },
    })
  })

  test('what is given is not touched', () => {
    const options = { keepAlive: { parameters: { pod: 'a1' } }, linger: {}, drain: {} }
    const before = structuredClone(options)
    policyOf(options)
    expect(options).toEqual(before)
    expect(Object.isFrozen(options.linger)).toBe(false)
  })
})

describe('keepAlive.timeout and keepAlive.hold', () => {
  test.each<[string, object, Partial<Inherited>, number, number]>([
    ['Node', {}, {}, 5_000, 6_000],
    ['Fastify', {}, FASTIFY, 5_000, 73_000],
    ['a buffer', {}, { ...NODE, keepAliveTimeoutBuffer: 4_000 }, 5_000, 9_000],
    ['a buffer beside a longer timeout', {}, { ...FASTIFY, keepAliveTimeoutBuffer: 500 }, 5_000, 72_500],
    ['a buffer of 0', {}, { ...NODE, keepAliveTimeoutBuffer: 0 }, 5_000, 6_000],
    ['a buffer, a promise chosen', { timeout: 3_000 }, { ...NODE, keepAliveTimeoutBuffer: 9_000 }, 3_000, 4_000],
    ['the defaults of Node 27', {}, { keepAliveTimeout: 65_000, keepAliveTimeoutBuffer: 1_000 }, 5_000, 66_000],
    ['a longer timeout without a buffer', {}, { keepAliveTimeout: 65_000 }, 5_000, 66_000],
    ['a server that promises less', {}, { keepAliveTimeout: 2_000 }, 2_000, 3_000],
    ['a server without a timeout', {}, { keepAliveTimeout: 0 }, 0, 72_000],
    ['a server with NaN', {}, { keepAliveTimeout: Number.NaN }, 0, 72_000],
    ['a server with Infinity', {}, { keepAliveTimeout: Number.POSITIVE_INFINITY }, 0, 72_000],
    ['a server with a negative one', {}, { keepAliveTimeout: -1 }, 0, 72_000],
    ['a server that keeps longer than a timer can', {}, { keepAliveTimeout: 1e12 }, 5_000, LONGEST],
    ['timeout', { timeout: 10_000 }, {}, 10_000, 11_000],
    ['timeout on Fastify', { timeout: 10_000 }, FASTIFY, 10_000, 11_000],
    ['timeout 0', { timeout: 0 }, FASTIFY, 0, 1_000],
    ['the longest timeout', { timeout: LONGEST - 1_000 }, {}, LONGEST - 1_000, LONGEST],
    ['hold', { hold: 90_000 }, {}, 5_000, 90_000],
    ['hold on Fastify', { hold: 90_000 }, FASTIFY, 5_000, 90_000],
    ['a hold that bounds the promise', { hold: 3_000 }, FASTIFY, 2_000, 3_000],
    ['the shortest hold', { hold: 1_000 }, {}, 0, 1_000],
    ['both', { timeout: 5_000, hold: 6_000 }, FASTIFY, 5_000, 6_000],
    ['both, far apart', { timeout: 2_000, hold: 620_000 }, {}, 2_000, 620_000],
  ])('%s', (_, options, inherited, timeout, hold) => {
    expect(keepAliveOf(options, { ...NODE, ...inherited })).toMatchObject({ timeout, hold })
    expect(warningsOf({ keepAlive: options }, { ...NODE, ...inherited })).toEqual([])
  })

  test.each([
    [{ timeout: 5_000, hold: 3_000 }, '6_000, 1_000 more than the promise `keepAlive.timeout: 5_000`', 3_000, ''],
    [{ timeout: 5_000, hold: 5_999 }, '6_000, 1_000 more than the promise `keepAlive.timeout: 5_000`', 5_999, ''],
    [{ hold: 999 }, '1_000', 999, '; 999 is milliseconds; did you mean 999_000?'],
    [{ timeout: 0, hold: 0 }, '1_000, 1_000 more than the promise `keepAlive.timeout: 0`', 0, ''],
  ])('%j keeps less than it promises', (keepAlive, least, value, hint) => {
    const error = errorOf(() => policyOf({ keepAlive }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({
      code: 'HALFCLOSE_OPTION_RANGE',
      path: 'keepAlive.hold',
      value,
      message: `halfclose: option \`keepAlive.hold\` must be at least ${least}, got ${value} (number)${hint}`,
    })
  })

  test.each<[object, number, RegExp]>([
    [{ timeout: 65 }, 5_000, /option `keepAlive\.timeout`: 65 is milliseconds; did you mean 65_000\?/],
    [{ timeout: 5 }, 5_000, /5 is milliseconds; did you mean 5_000\?/],
    [{ timeout: 0.5 }, 5_000, /0\.5 is milliseconds; did you mean 500\?/],
    [{ timeout: 999 }, 5_000, /999 is milliseconds; did you mean 999_000\?/],
    [{}, 65, /server\.keepAliveTimeout: 65 is milliseconds; did you mean 65_000\?/],
    [{ hold: 1_500 }, 5_000, /option `keepAlive\.hold`: 1500 ms leave 500 ms to promise/],
  ])('%j on a server with %j warns that nothing is advertised', (keepAlive, keepAliveTimeout, message) => {
    const warnings = warningsOf({ keepAlive }, { ...NODE, keepAliveTimeout })
    expect(warnings).toEqual([{ code: 'HALFCLOSE_PROMISE_NOT_ADVERTISED', message: expect.stringMatching(message) }])
    expectFrozen(warnings)
  })

  test('keepAlive: false promises nothing, and so warns of nothing', () => {
    expect(parseOptions({ keepAlive: false }, { ...NODE, keepAliveTimeout: 65 })).toEqual({
      policy: { ...DEFAULTS, keepAlive: false, http2: { ...DEFAULTS.http2, hold: 0 } },
      warnings: [],
    })
  })
})

describe('keepAlive.maxRequests', () => {
  test.each<[number | false | undefined, number | null | undefined, number | false]>([
    [undefined, undefined, false],
    [undefined, null, false],
    [undefined, 0, false],
    [undefined, 100, 100],
    [undefined, -1, false],
    [undefined, Number.NaN, false],
    [undefined, 1.5, false],
    [false, 100, false],
    [7, 100, 7],
    [1, 0, 1],
  ])('%p on a server with %p: %p', (maxRequests, maxRequestsPerSocket, expected) => {
    expect(keepAliveOf({ maxRequests }, { ...NODE, maxRequestsPerSocket }).maxRequests).toBe(expected)
  })
})

test.each(['grant', 'refuse', 'ignore'])('keepAlive.http10: %p', (http10) => {
  expect(keepAliveOf({ http10 }).http10).toBe(http10)
})

describe('keepAlive.parameters', () => {
  test.each<[object, string]>([
    [{}, ''],
    [{ pod: 'a1' }, 'pod=a1'],
    [{ pod: 'a1', weight: 3 }, 'pod=a1, weight=3'],
    [{ w: -1.5, x: 1e21, z: 0 }, 'w=-1.5, x=1e+21, z=0'],
    [{ a: '' }, 'a=""'],
    [{ a: 'b c' }, 'a="b c"'],
    [{ a: 'b,\tc;d=e' }, 'a="b,\tc;d=e"'],
    [{ a: 'say "hi" \\o/' }, 'a="say \\"hi\\" \\\\o/"'],
    [{ Timeouts: 1, maximum: 2 }, 'Timeouts=1, maximum=2'],
    [JSON.parse('{"__proto__":"x"}'), '__proto__=x'],
  ])('%j', (parameters, expected) => {
    expect(keepAliveOf({ parameters }).parameters).toBe(expected)
  })

  test.each<[string, unknown, typeof RangeError | typeof TypeError, string]>([
    ['timeout', { timeout: 5 }, RangeError, 'keepAlive.parameters.timeout'],
    ['TIMEOUT', { TIMEOUT: 5 }, RangeError, 'keepAlive.parameters.TIMEOUT'],
    ['Max', { Max: '5' }, RangeError, 'keepAlive.parameters.Max'],
    ['a name that is no token', { 'a b': 'c' }, RangeError, 'keepAlive.parameters'],
    ['an empty name', { '': 'c' }, RangeError, 'keepAlive.parameters'],
    ['a name that splits the header', { 'a\r\nSet-Cookie': 'c' }, RangeError, 'keepAlive.parameters'],
    ['CR LF', { a: 'b\r\nSet-Cookie: c' }, RangeError, 'keepAlive.parameters.a'],
    ['LF at the end', { a: 'b\n' }, RangeError, 'keepAlive.parameters.a'],
    ['NUL', { a: '\0' }, RangeError, 'keepAlive.parameters.a'],
    ['DEL', { a: '\x7f' }, RangeError, 'keepAlive.parameters.a'],
    ['obs-text', { a: 'ü' }, RangeError, 'keepAlive.parameters.a'],
    ['beyond latin1', { a: '☃' }, RangeError, 'keepAlive.parameters.a'],
    ['NaN', { a: Number.NaN }, RangeError, 'keepAlive.parameters.a'],
    ['Infinity', { a: Number.POSITIVE_INFINITY }, RangeError, 'keepAlive.parameters.a'],
    ['undefined', { a: undefined }, TypeError, 'keepAlive.parameters.a'],
    ['null', { a: null }, TypeError, 'keepAlive.parameters.a'],
    ['true', { a: true }, TypeError, 'keepAlive.parameters.a'],
    ['an object', { a: {} }, TypeError, 'keepAlive.parameters.a'],
    ['a list of them', ['a'], TypeError, 'keepAlive.parameters'],
    ['a Map of them', new Map(), TypeError, 'keepAlive.parameters'],
    ['a string of them', 'pod=a1', TypeError, 'keepAlive.parameters'],
    ['null for them', null, TypeError, 'keepAlive.parameters'],
    ['false for them', false, TypeError, 'keepAlive.parameters'],
  ])('%s', (_, parameters, type, path) => {
    const error = errorOf(() => keepAliveOf({ parameters }))
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ path, message: expect.not.stringMatching(/[\r\n\0]/) })
  })

  test('whatever is accepted is a list of parameters that nothing can break out of', () => {
    const parameters = fc.dictionary(
      fc.string({ minLength: 1 }),
      fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.double()),
    )
    const list = /^(?:[!#$%&'*+\-.^_`|~\w]+=(?:[!#$%&'*+\-.^_`|~\w]+|"(?:[\t !#-[\]-~]|\\[\t -~])*")(?:, |$))*$/
    fc.assert(
      fc.property(parameters, (given) => {
        let sent: string
        try {
          sent = keepAliveOf({ parameters: given }).parameters
        } catch (error) {
          expect(error).toMatchObject({ code: 'HALFCLOSE_OPTION_RANGE' })
          return
        }
        expect(sent).toMatch(list)
      }),
    )
  })
})

describe('drain', () => {
  test("'fast'", () => {
    expect(policyOf({ drain: 'fast' }).drain).toEqual({
      delay: 0,
      deadline: 2_000,
      idle: 0,
      silent: 0,
      upgraded: 2_000,
      minRate: 240,
    })
    expect(policyOf({ drain: 'fast' }).drain).toBe(FAST_DRAIN)
    expectFrozen(FAST_DRAIN)
  })

  test.each<[object, boolean]>([
    [{ delay: 5_000, deadline: 5_000 }, true],
    [{ delay: 5_000, deadline: 4_999 }, true],
    [{ delay: 30_000 }, true],
    [{ delay: 5_000, deadline: 5_001 }, false],
    [{ delay: 0, deadline: 0 }, false],
    [{ deadline: 0 }, false],
    [{ delay: 5_000 }, false],
  ])('%j: a deadline within the delay warns: %p', (drain, warns) => {
    const codes = warningsOf({ drain }).map((warning) => warning.code)
    expect(codes).toEqual(warns ? ['HALFCLOSE_DEADLINE_WITHIN_DELAY'] : [])
  })

  test('the warning has both numbers, and says what to do', () => {
    const [warning] = warningsOf({ drain: { delay: 5_000, deadline: 4_000 } })
    expect(warning?.message).toMatch(/`drain\.deadline` \(4000 ms\).*`drain\.delay` \(5000 ms\).*; raise the deadline$/)
  })

  test.each(['promise', 0, 1, 7_500, LONGEST])('idle: %p', (idle) => {
    expect(policyOf({ drain: { idle } }).drain.idle).toBe(idle)
  })
})

describe('wrong values', () => {
  const DURATIONS = [
    'keepAlive.timeout',
    'keepAlive.hold',
    'halfClosed',
    'linger.quiet',
    'linger.total',
    'drain.delay',
    'drain.deadline',
    'drain.idle',
    'drain.silent',
  ]
  const COUNTS = ['linger.bytes', 'linger.connections']
  const LIMITS = ['keepAlive.maxRequests', 'keepAlive.maxAge']
  const NUMBERS = [...DURATIONS, ...COUNTS, ...LIMITS]

  function at(path: string, value: unknown): object {
    const [section, name] = path.split('.')
    return name === undefined ? { [path]: value } : { [section!]: { [name]: value } }
  }

  test.each(
    NUMBERS.flatMap((path) => [null, true, '', '5000', 10n, [], {}, () => 1, Symbol('s')].map((value) => [path, value] as const)),
  )('%s: %p is a TypeError', (path, value) => {
    const error = errorOf(() => policyOf(at(path, value)))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'HALFCLOSE_OPTION_TYPE', path, value })
    expect(error).toMatchObject({
      message: expect.stringMatching(new RegExp(`^halfclose: option \`${path}\` must be .+, got .+$`)),
    })
  })

  test.each([...DURATIONS, ...COUNTS])('%s: false is a TypeError', (path) => {
    expect(errorOf(() => policyOf(at(path, false)))).toMatchObject({ code: 'HALFCLOSE_OPTION_TYPE', path, value: false })
  })

  test.each(
    NUMBERS.flatMap((path) =>
      [-1, -0.5, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value) => [path, value] as const),
    ),
  )('%s: %p is a RangeError', (path, value) => {
    const error = errorOf(() => policyOf(at(path, value)))
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ code: 'HALFCLOSE_OPTION_RANGE', path, value })
  })

  test.each([...DURATIONS, 'keepAlive.maxAge'])('%s: no longer than a timer of Node can be', (path) => {
    expect(errorOf(() => policyOf(at(path, LONGEST + 1)))).toMatchObject({
      code: 'HALFCLOSE_OPTION_RANGE',
      message: expect.stringMatching(/milliseconds .*\b(?:2147483647|2147482647)\b/),
    })
  })

  test.each([...COUNTS, 'keepAlive.maxRequests'])('%s: whole numbers', (path) => {
    for (const value of [1.5, 2 ** 53]) {
      expect(errorOf(() => policyOf(at(path, value)))).toMatchObject({
        code: 'HALFCLOSE_OPTION_RANGE',
        message: expect.stringContaining('an integer of at least'),
      })
    }
  })

  test.each(LIMITS)('%s: 0 is neither', (path) => {
    expect(errorOf(() => policyOf(at(path, 0)))).toMatchObject({
      code: 'HALFCLOSE_OPTION_RANGE',
      message: `halfclose: option \`${path}\` must be a number or false; 0 is neither: use false for no limit, got 0 (number)`,
    })
  })

  test('linger.bytes may be 0, linger.connections not', () => {
    expect(policyOf({ linger: { bytes: 0 } }).linger.bytes).toBe(0)
    expect(errorOf(() => policyOf({ linger: { connections: 0 } }))).toMatchObject({ path: 'linger.connections' })
  })

  test.each<[string, unknown, string, RegExp]>([
    ['keepAlive', true, 'HALFCLOSE_OPTION_TYPE', /such as \{ timeout: 5_000 \}, or false; leave it out for the defaults/],
    ['keepAlive', null, 'HALFCLOSE_OPTION_TYPE', /got null/],
    ['keepAlive', 5_000, 'HALFCLOSE_OPTION_TYPE', /got 5000 \(number\)/],
    ['keepAlive', [], 'HALFCLOSE_OPTION_TYPE', /got an array/],
    ['keepAlive', new Map(), 'HALFCLOSE_OPTION_TYPE', /got an instance of Map/],
    ['keepAlive.http10', 'deny', 'HALFCLOSE_OPTION_RANGE', /'grant', 'refuse' or 'ignore', got "deny"/],
    ['keepAlive.http10', 'GRANT', 'HALFCLOSE_OPTION_RANGE', /got "GRANT"/],
    ['keepAlive.http10', false, 'HALFCLOSE_OPTION_TYPE', /got false/],
    ['linger', false, 'HALFCLOSE_OPTION_TYPE', /no switch/],
    ['linger', null, 'HALFCLOSE_OPTION_TYPE', /got null/],
    ['linger', 2_000, 'HALFCLOSE_OPTION_TYPE', /got 2000/],
    ['drain', 'quick', 'HALFCLOSE_OPTION_RANGE', /or 'fast', got "quick"/],
    ['drain', false, 'HALFCLOSE_OPTION_TYPE', /or 'fast', got false/],
    ['drain', null, 'HALFCLOSE_OPTION_TYPE', /got null/],
    ['drain', 20_000, 'HALFCLOSE_OPTION_TYPE', /got 20000/],
    ['drain.idle', 'forever', 'HALFCLOSE_OPTION_TYPE', /'promise' or a number/],
    ['logger', null, 'HALFCLOSE_OPTION_TYPE', /info and warn/],
    ['logger', false, 'HALFCLOSE_OPTION_TYPE', /info and warn/],
    ['logger', {}, 'HALFCLOSE_OPTION_TYPE', /info and warn/],
    ['logger', { info() {} }, 'HALFCLOSE_OPTION_TYPE', /info and warn/],
    ['logger', { info() {}, warn: true }, 'HALFCLOSE_OPTION_TYPE', /info and warn/],
  ])('%s: %p', (path, value, code, message) => {
    expect(errorOf(() => policyOf(at(path, value)))).toMatchObject({ code, path, value, message: expect.stringMatching(message) })
  })

  class Settings {
    halfClosed = 0
  }
  test.each([null, [], [{}], () => ({}), Settings, 'fast', 5_000, true, false, 0n, new Settings(), new Map(), new Date(), /x/])(
    'options: %p',
    (options) => {
      const error = errorOf(() => policyOf(options))
      expect(error).toBeInstanceOf(TypeError)
      expect(error).toMatchObject({
        code: 'HALFCLOSE_OPTION_TYPE',
        path: '',
        message: expect.stringMatching(/^halfclose: options must be an object, got /),
      })
    },
  )
})

describe('unknown names', () => {
  test.each<[object, string, string]>([
    [{ keepAlive: { timout: 5_000 } }, 'keepAlive.timout', 'did you mean `keepAlive.timeout`?'],
    [{ keepAlive: { Timeout: 5_000 } }, 'keepAlive.Timeout', 'did you mean `keepAlive.timeout`?'],
    [{ keepAlive: { hlod: 5_000 } }, 'keepAlive.hlod', 'did you mean `keepAlive.hold`?'],
    [{ keepAlive: { max: 5 } }, 'keepAlive.max', 'did you mean `keepAlive.maxRequests`?'],
    [{ keepAlive: { maxRequest: 5 } }, 'keepAlive.maxRequest', 'did you mean `keepAlive.maxRequests`?'],
    [{ keepAlive: { deadline: 5 } }, 'keepAlive.deadline', 'did you mean `drain.deadline`?'],
    [{ keepalive: false }, 'keepalive', 'did you mean `keepAlive`?'],
    [{ keep_alive: false }, 'keep_alive', 'did you mean `keepAlive`?'],
    [{ halfClose: 1 }, 'halfClose', 'did you mean `halfClosed`?'],
    [{ lingre: {} }, 'lingre', 'did you mean `linger`?'],
    [{ keepAliveTimeout: 5 }, 'keepAliveTimeout', 'did you mean `keepAlive.timeout`?'],
    [{ maxRequestsPerSocket: 5 }, 'maxRequestsPerSocket', 'did you mean `keepAlive.maxRequests`?'],
    [{ hold: 5 }, 'hold', 'did you mean `keepAlive.hold`?'],
    [{ deadline: 5 }, 'deadline', 'did you mean `drain.deadline`?'],
    [{ timeout: 5 }, 'timeout', 'did you mean `keepAlive.timeout` or `drain.deadline`?'],
    [{ gracePeriod: 5 }, 'gracePeriod', 'did you mean `drain.deadline`?'],
    [{ forceTimeout: 5 }, 'forceTimeout', 'did you mean `drain.deadline`?'],
    [{ drain: { timeout: 5 } }, 'drain.timeout', 'did you mean `drain.deadline`?'],
    [{ drain: { dealy: 5 } }, 'drain.dealy', 'did you mean `drain.delay`?'],
    [{ linger: { byte: 5 } }, 'linger.byte', 'did you mean `linger.bytes`?'],
    [{ linger: { keepAlive: false } }, 'linger.keepAlive', 'did you mean `keepAlive`?'],
    [{ linger: { rate: 5 } }, 'linger.rate', 'known there: quiet, total, bytes, connections'],
    [{ maxConnections: 5 }, 'maxConnections', 'did you mean `limits.connections`?'],
    [{ connections: 5 }, 'connections', 'did you mean `limits.connections`?'],
    [{ drain: { connections: 5 } }, 'drain.connections', 'did you mean `limits.connections`?'],
    [{ proxy: 'nginx' }, 'proxy', 'did you mean `behind`?'],
    [{ loadBalancer: 'nginx' }, 'loadBalancer', 'did you mean `behind`?'],
    [{ nodelay: true }, 'nodelay', 'did you mean `tcp.noDelay`?'],
    [{ tcp: { keepalive: false } }, 'tcp.keepalive', 'did you mean `tcp.keepAlive`?'],
    [{ drain: { minrate: 5 } }, 'drain.minrate', 'did you mean `drain.minRate`?'],
    [{ drain: { signals: true } }, 'drain.signals', 'did you mean `signals`?'],
    [{ drain: { onDrained: 1 } }, 'drain.onDrained', 'did you mean `onDrained`?'],
    [{ keepAlive: { readyness: '/ready' } }, 'keepAlive.readyness', 'did you mean `readiness`?'],
    [
      { livenes: '/live' },
      'livenes',
      '`liveness` belongs to the adapters, @halfclose/express and @halfclose/fastify; with `attach` answer a route of your own',
    ],
    [
      { constructor: 1 },
      'constructor',
      'known are: keepAlive, halfClosed, linger, drain, limits, tcp, http2, behind, logger, connectionLog',
    ],
  ])('%j', (options, path, hint) => {
    const error = errorOf(() => policyOf(options))
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({
      code: 'HALFCLOSE_OPTION_UNKNOWN',
      path,
      message: `halfclose: unknown option \`${path}\`; ${hint}`,
    })
  })

  test('a name from a file cannot break the line of the log, nor fill it', () => {
    const error = errorOf(() => policyOf({ [`a\n${'b'.repeat(1e6)}`]: 1 }))
    expect(error).toMatchObject({ message: expect.stringMatching(/^halfclose: unknown option `a\\nb+\.\.\.`; known are: .*$/) })
  })

  test("an adapter's names are its own business at the top, and may be what was meant", () => {
    const known = ['signals', 'readiness', 'prefix']
    const options = { signals: 'nonsense', readiness: null, prefix: undefined, halfClosed: 1 }
    expect(parseOptions(options, NODE, known).policy).toEqual({ ...DEFAULTS, halfClosed: 1 })
    expect(errorOf(() => parseOptions({ signal: true }, NODE, known))).toMatchObject({
      code: 'HALFCLOSE_OPTION_UNKNOWN',
      message: 'halfclose: unknown option `signal`; did you mean `signals`?',
    })
    expect(errorOf(() => parseOptions({ nonsense: true }, NODE, known))).toMatchObject({
      message: expect.stringContaining('logger, connectionLog, signals, readiness, prefix'),
    })
    expect(errorOf(() => parseOptions({ drain: { signals: true } }, NODE, known))).toMatchObject({ path: 'drain.signals' })
  })

  // Terminus' names, and those of Fastify's hooks. `close` of @halfclose/fastify takes the place of `app.close()`: it is not what `onClose` means.
  test.each(['onClose', 'onDrain', 'on_drain', 'onShutdown', 'onSignal'])('%s means what runs after the last request', (name) => {
    const message = (known: string[]) => errorOf(() => parseOptions({ [name]: () => {} }, NODE, known))
    expect(message(['signals', 'onDrained'])).toMatchObject({
      message: `halfclose: unknown option \`${name}\`; did you mean \`onDrained\`?`,
    })
    for (const known of [['signals', 'close'], []])
      expect(message(known)).toMatchObject({
        message: `halfclose: unknown option \`${name}\`; \`onDrained\` belongs to @halfclose/express; with Fastify write \`app.addHook('onClose', …)\`, with \`attach\` \`await connections.drain()\``,
      })
  })
})

describe('loggerOf', () => {
  class ClassLogger {
    info() {}
    warn() {}
  }
  test.each([[{ info() {}, warn() {} }], [new ClassLogger()], [console], [Object.assign(() => {}, { info() {}, warn() {} })]])(
    'takes anything with info and warn, as it is (%#)',
    (logger) => {
      expect(policyOf({ logger })).toEqual(DEFAULTS)
      expect(loggerOf({ logger })).toBe(logger)
    },
  )

  test.each([undefined, null, 5, {}, { logger: undefined }, { logger: {} }])('%p has none', (options) => {
    expect(loggerOf(options)).toBeUndefined()
  })
})

describe('limits and tcp', () => {
  test('are kept', () => {
    const limits = { connections: 10, perClient: 2, idle: 5, minRate: 240, stalled: 30_000, refuse: 'drop' }
    expect(policyOf({ limits, tcp: { noDelay: false, keepAlive: false } })).toMatchObject({
      limits,
      tcp: { noDelay: false, keepAlive: false },
    })
    expect(policyOf({ tcp: { keepAlive: 1_000 } }).tcp).toEqual({ noDelay: true, keepAlive: 1_000 })
    const probes = { idle: 30_000, interval: 5_000, count: 4 }
    expect(policyOf({ tcp: { keepAlive: probes } }).tcp).toEqual({
      noDelay: true,
      keepAlive: 30_000,
      keepAliveInterval: 5_000,
      keepAliveCount: 4,
    })
    expect(policyOf({ tcp: { keepAlive: {} } }).tcp).toEqual({ noDelay: true, keepAlive: 60_000 })
    expect(policyOf({ tcp: { keepAlive: { idle: false } } }).tcp).toEqual({ noDelay: true, keepAlive: false })
  })

  test.each<[object, string, string]>([
    [{ limits: { connections: 0 } }, 'limits.connections', 'HALFCLOSE_OPTION_RANGE'],
    [{ limits: { perClient: 1.5 } }, 'limits.perClient', 'HALFCLOSE_OPTION_RANGE'],
    [{ limits: { minRate: 0 } }, 'limits.minRate', 'HALFCLOSE_OPTION_RANGE'],
    [{ limits: { stalled: 0 } }, 'limits.stalled', 'HALFCLOSE_OPTION_RANGE'],
    [{ limits: { stalled: 2 ** 31 } }, 'limits.stalled', 'HALFCLOSE_OPTION_RANGE'],
    [{ limits: { stalled: '60s' } }, 'limits.stalled', 'HALFCLOSE_OPTION_TYPE'],
    [{ limits: { idle: '5' } }, 'limits.idle', 'HALFCLOSE_OPTION_TYPE'],
    [{ limits: { refuse: 'reset' } }, 'limits.refuse', 'HALFCLOSE_OPTION_RANGE'],
    [{ limits: { refuse: 1 } }, 'limits.refuse', 'HALFCLOSE_OPTION_TYPE'],
    [{ tcp: { noDelay: 1 } }, 'tcp.noDelay', 'HALFCLOSE_OPTION_TYPE'],
    [{ tcp: { keepAlive: true } }, 'tcp.keepAlive', 'HALFCLOSE_OPTION_TYPE'],
    [{ tcp: { keepAlive: { idle: 5 } } }, 'tcp.keepAlive.idle', 'HALFCLOSE_OPTION_RANGE'],
    [{ tcp: { keepAlive: { interval: 500 } } }, 'tcp.keepAlive.interval', 'HALFCLOSE_OPTION_RANGE'],
    [{ tcp: { keepAlive: { count: 0 } } }, 'tcp.keepAlive.count', 'HALFCLOSE_OPTION_RANGE'],
    [{ tcp: { keepAlive: { delay: 1_000 } } }, 'tcp.keepAlive.delay', 'HALFCLOSE_OPTION_UNKNOWN'],
    [{ tcp: { keepAlive: 60 } }, 'tcp.keepAlive', 'HALFCLOSE_OPTION_RANGE'],
  ])('%j', (options, path, code) => {
    expect(errorOf(() => policyOf(options))).toMatchObject({ code, path })
  })
})

describe('whatever is passed', () => {
  const junk = fc.oneof(
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withTypedArray: true,
    }),
    fc.constantFrom(0, 1, 65, 999, 1_000, 5_000, LONGEST, LONGEST + 1, 'fast', 'promise', 'grant', 'ignore', false, undefined),
    fc.double(),
    fc.nat(100_000),
    fc.func(fc.anything()),
  )
  const some = { requiredKeys: [] }
  const shaped = fc.record(
    {
      keepAlive: fc.oneof(
        junk,
        fc.record({ timeout: junk, hold: junk, maxRequests: junk, maxAge: junk, http10: junk, parameters: junk }, some),
      ),
      halfClosed: junk,
      linger: fc.oneof(junk, fc.record({ quiet: junk, total: junk, bytes: junk, connections: junk }, some)),
      drain: fc.oneof(junk, fc.record({ delay: junk, deadline: junk, idle: junk, silent: junk, minRate: junk }, some)),
      limits: fc.oneof(junk, fc.record({ connections: junk, perClient: junk, idle: junk, refuse: junk }, some)),
      tcp: fc.oneof(junk, fc.record({ noDelay: junk, keepAlive: junk }, some)),
      behind: fc.oneof(junk, fc.constantFrom('nginx', 'envoy')),
      logger: fc.oneof(junk, fc.constant(console)),
    },
    some,
  )
  const ms = fc.oneof(fc.nat(LONGEST), fc.double({ min: 0, max: LONGEST, noNaN: true }))
  const valid = fc.record(
    {
      keepAlive: fc.oneof(
        fc.constant(false),
        fc.record({ timeout: ms, hold: ms, maxRequests: fc.oneof(fc.constant(false), fc.integer({ min: 1 })), maxAge: ms }, some),
      ),
      halfClosed: ms,
      linger: fc.record({ quiet: ms, total: ms, bytes: fc.nat(), connections: fc.integer({ min: 1 }) }, some),
      drain: fc.oneof(
        fc.constant('fast'),
        fc.record({ delay: ms, deadline: ms, idle: fc.oneof(ms, fc.constant('promise')), silent: ms }, some),
      ),
      behind: fc.constantFrom('nginx', 'envoy', 'cloudfront'),
    },
    some,
  )
  const inherited = fc.record({
    keepAliveTimeout: fc.oneof(fc.double(), fc.nat(100_000)),
    maxRequestsPerSocket: fc.oneof(fc.double(), fc.nat(), fc.constantFrom(null, undefined)),
  })

  test.each([
    ['junk', junk],
    ['junk in the right places', shaped],
    ['numbers in the right places', valid],
  ])('%s: a frozen total policy, or an error with a code', (_, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, inherited, (options, server) => {
        let parsed: ReturnType<typeof parseOptions>
        try {
          parsed = parseOptions(options, server)
        } catch (error) {
          expect(error instanceof TypeError || error instanceof RangeError).toBe(true)
          expect(error).toMatchObject({
            code: expect.stringMatching(/^HALFCLOSE_OPTION_(?:TYPE|RANGE|UNKNOWN)$/),
            path: expect.any(String),
          })
          expect(error).toMatchObject({ message: expect.stringMatching(/^halfclose: [^\r\n]+$/) })
          return
        }
        const { policy, warnings } = parsed
        expectFrozen(policy)
        expectFrozen(warnings)
        expect(Object.keys(policy)).toEqual(Object.keys(DEFAULTS))
        const { keepAlive, linger, drain, halfClosed } = policy
        const durations = [halfClosed, linger.quiet, linger.total, drain.delay, drain.deadline, drain.silent]
        if (drain.idle !== 'promise') durations.push(drain.idle)
        if (keepAlive !== false) {
          expect(Object.keys(keepAlive).sort()).toEqual(Object.keys(DEFAULTS.keepAlive).sort())
          durations.push(keepAlive.timeout, keepAlive.hold)
          // Fractions of a millisecond may be rounded away.
          expect(keepAlive.hold - keepAlive.timeout).toBeGreaterThanOrEqual(1_000 - 1e-6)
          if (keepAlive.maxAge !== false) expect(keepAlive.maxAge).toBeGreaterThan(0)
          if (keepAlive.maxRequests !== false) expect(keepAlive.maxRequests).toBeGreaterThanOrEqual(1)
        }
        for (const duration of durations) expect(duration >= 0 && duration <= LONGEST).toBe(true)
        expect(linger.bytes).toBeGreaterThanOrEqual(0)
        expect(linger.connections).toBeGreaterThanOrEqual(1)
      }),
      { numRuns: 500 },
    )
  })
})

import {
  closeReason,
  expiryOf,
  type Facts,
  goesOn,
  idleCloseAt,
  keepAliveField,
  keepableFor,
  promiseFor,
  silentCloseAt,
} from '../src/policy.js'
import type { CloseReason, KeepAlivePolicy } from '../src/types.js'

const KEEP_ALIVE: KeepAlivePolicy = {
  timeout: 5_000,
  hold: 6_000,
  maxRequests: false,
  maxAge: false,
  http10: 'grant',
  parameters: '',
}

const PLAIN: Facts = {
  http10: false,
  parserPersists: true,
  askedClose: false,
  askedKeepAlive: false,
  handlerCloses: false,
  refusesBody: false,
  unframed: false,
  faultyFraming: false,
  requests: 1,
  expiresAt: Number.POSITIVE_INFINITY,
  excess: false,
  inputEnded: false,
  phase: 'serving',
  left: 0,
  owesMore: false,
}

describe('goesOn', () => {
  const asked = (keepAlive: KeepAlivePolicy | false, facts: Facts): boolean =>
    !facts.handlerCloses &&
    !facts.unframed &&
    goesOn(
      keepAlive,
      facts.parserPersists && !facts.http10 && !facts.askedClose && !facts.excess && !facts.refusesBody && !facts.faultyFraming,
      facts.phase === 'serving' && facts.expiresAt === Number.POSITIVE_INFINITY,
      facts.inputEnded,
      facts.requests,
    )

  test('is true of an ordinary exchange', () => {
    expect(asked(KEEP_ALIVE, PLAIN)).toBe(true)
    expect(asked({ ...KEEP_ALIVE, maxRequests: 2 }, PLAIN)).toBe(true)
  })

  test('is true only where closeReason finds none, whatever is put together', () => {
    const flags: (keyof Facts)[] = []
    for (const [name, value] of Object.entries(PLAIN)) if (typeof value === 'boolean' && isFact(name)) flags.push(name)
    expect(flags).toHaveLength(11)
    const others: Partial<Facts>[] = [
      {},
      { requests: 2 },
      { expiresAt: 50 },
      { phase: 'leaving', left: 0.9 },
      { phase: 'draining' },
    ]
    const policies = [KEEP_ALIVE, { ...KEEP_ALIVE, maxRequests: 2 }, false] as const
    let wentOn = 0
    for (let bits = 0; bits < 2 ** flags.length; bits += 1) {
      const flipped: Record<string, unknown> = {}
      flags.forEach((name, at) => {
        flipped[name] = bits & (1 << at) ? !PLAIN[name] : PLAIN[name]
      })
      for (const other of others) {
        const facts: Facts = { ...PLAIN, ...flipped, ...other }
        for (const keepAlive of policies) {
          if (!asked(keepAlive, facts)) continue
          wentOn += 1
          expect([facts, closeReason(keepAlive, facts, 100, () => 0.5)]).toEqual([facts, undefined])
        }
      }
    }
    expect(wentOn).toBeGreaterThan(2)
  })
})

function isFact(name: string): name is keyof Facts {
  return name in PLAIN
}

describe('closeReason (RFC 9112 §9.3)', () => {
  const cases: [string, Partial<Facts>, Partial<KeepAlivePolicy> | false, CloseReason | undefined][] = [
    ['HTTP/1.1 persists', {}, {}, undefined],
    ['the request said close', { askedClose: true }, {}, 'client-close'],
    ['the request said close and keep-alive', { askedClose: true, askedKeepAlive: true }, {}, 'client-close'],
    ['HTTP/1.0 did not ask', { http10: true }, {}, 'http10'],
    ['HTTP/1.0 asked', { http10: true, askedKeepAlive: true }, {}, undefined],
    ['HTTP/1.0 asked, refused', { http10: true, askedKeepAlive: true }, { http10: 'refuse' }, 'http10'],
    ['HTTP/1.0 asked, ignored', { http10: true, askedKeepAlive: true }, { http10: 'ignore' }, 'http10'],
    ['HTTP/1.0 said close, ignored', { http10: true, askedClose: true }, { http10: 'ignore' }, 'http10'],
    ['the parser rules persistence out', { parserPersists: false }, {}, 'client-close'],
    ['the handler said close', { handlerCloses: true }, {}, 'handler'],
    ['keep-alive is off', {}, false, 'no-keep-alive'],
    ['one request below the limit', { requests: 2 }, { maxRequests: 3 }, undefined],
    ['the last request of the limit', { requests: 3 }, { maxRequests: 3 }, 'max-requests'],
    ['young enough', { expiresAt: 101 }, {}, undefined],
    ['too old', { expiresAt: 100 }, {}, 'max-age'],
    ['leaving still persists', { phase: 'leaving' }, {}, undefined],
    ['leaving, early', { phase: 'leaving', left: 0.4 }, {}, undefined],
    ['leaving, late', { phase: 'leaving', left: 0.6 }, {}, 'draining'],
    ['leaving, late, but an older request waits', { phase: 'leaving', left: 0.6, owesMore: true }, {}, undefined],
    ['draining', { phase: 'draining' }, {}, 'draining'],
    ['draining, but an older request waits', { phase: 'draining', owesMore: true }, {}, undefined],
    ['the client has sent FIN', { inputEnded: true }, {}, 'client-close'],
    ['one connection too many', { excess: true }, {}, 'limit'],
  ]
  test.each(cases)('%s', (_title, facts, keepAlive, reason) => {
    expect(closeReason(keepAlive && { ...KEEP_ALIVE, ...keepAlive }, { ...PLAIN, ...facts }, 100, () => 0.5)).toBe(reason)
  })
})

test('the promise is whole seconds, and never outlives the deadline', () => {
  expect(promiseFor({ ...KEEP_ALIVE, timeout: 5_999 }, Number.POSITIVE_INFINITY)).toBe(5_000)
  expect(promiseFor({ ...KEEP_ALIVE, timeout: 999 }, Number.POSITIVE_INFINITY)).toBe(0)
  expect(promiseFor(KEEP_ALIVE, 4_500)).toBe(3_000)
  expect(promiseFor(KEEP_ALIVE, 1_900)).toBe(0)
})

test('the Keep-Alive field says what is known, and nothing else', () => {
  expect(keepAliveField({ ...KEEP_ALIVE, maxRequests: 5, parameters: 'pod=a1' }, 5_000, 2)).toBe('timeout=5, max=3, pod=a1')
  expect(keepAliveField(KEEP_ALIVE, 0, 2)).toBe('')
})

test('the age is spread by ±10 %', () => {
  const keepAlive = { ...KEEP_ALIVE, maxAge: 1_000 }
  expect([0, 0.5, 1].map((random) => expiryOf(keepAlive, 50, () => random))).toEqual([950, 1_050, 1_150])
  expect(expiryOf(KEEP_ALIVE, 50, () => 0)).toBe(Number.POSITIVE_INFINITY)
})

test('during a drain an idle connection goes when its promise and a second are over, or at the bound', () => {
  const drain = { since: 3_000, usedAt: 3_000 }
  expect(idleCloseAt('promise', 6_000, { lastUsed: 1_000, promised: 5_000 }, drain)).toBe(7_000)
  expect(idleCloseAt('promise', 1_000, { lastUsed: 1_000, promised: 0 }, drain)).toBe(3_000)
  expect(idleCloseAt(500, 6_000, { lastUsed: 1_000, promised: 5_000 }, drain)).toBe(3_500)
  expect(idleCloseAt(9_000, 6_000, { lastUsed: 1_000, promised: 5_000 }, drain)).toBe(7_000)
})

test('one that is held past its promise goes when no request has come for a second, or when a promise made at the beginning were over', () => {
  const held = { lastUsed: 1_000, promised: 5_000 }
  const since = 30_000
  expect(idleCloseAt('promise', 65_000, held, { since, usedAt: since })).toBe(31_000)
  expect(idleCloseAt('promise', 65_000, held, { since, usedAt: 33_000 })).toBe(34_000)
  expect(idleCloseAt('promise', 65_000, held, { since, usedAt: 35_900 })).toBe(36_000)
  // Its hold ends first.
  expect(idleCloseAt('promise', 29_500, held, { since, usedAt: since })).toBe(30_500)
  // Nothing was promised.
  expect(idleCloseAt('promise', 65_000, { lastUsed: 29_000, promised: 0 }, { since, usedAt: since })).toBe(31_000)
  // Used just before: its promise holds for longer.
  expect(idleCloseAt('promise', 65_000, { lastUsed: 29_900, promised: 5_000 }, { since, usedAt: since })).toBe(35_900)
  expect(idleCloseAt('promise', 65_000, { lastUsed: 29_900, promised: 5_000 }, { since, usedAt: 35_500 })).toBe(36_000)
  expect(idleCloseAt(0, 65_000, held, { since, usedAt: 33_000 })).toBe(30_000)
})

test('during a drain a silent connection has its time from the drain, or from its own beginning', () => {
  expect(silentCloseAt(500, 1_000, 3_000)).toBe(3_500)
  expect(silentCloseAt(500, 4_000, 3_000)).toBe(4_500)
})

test('what a drain keeps: until the deadline, and with a bound on idle ones no longer than that', () => {
  expect(keepableFor('promise', 5_000, 20_000)).toBe(20_000)
  expect(keepableFor(2_000, 5_000, 20_000)).toBe(7_000)
  expect(keepableFor(0, 500, 20_000)).toBe(500)
})

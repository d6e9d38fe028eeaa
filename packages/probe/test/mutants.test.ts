import { type ProbeOptions, probe, type Report, rules } from 'halfclose-probe'
import { serve } from './server/server.js'

// A server that keeps every rule passes every check; one that breaks a single rule fails the check of that rule, and no other.

const SLOW = '/slow?ms=500'
const options = { slow: SLOW, tiers: ['a', 'b'], patience: 3_500, upload: 4 * 1024 * 1024, floods: true } as const
const TLS = ['a/close-notify', 'a/idle-close-notify']
const ids = rules.filter(({ tier }) => tier !== 'c').map(({ id }) => id)

/** All runs share one event loop: more of them at once would be late for each other. */
const AT_ONCE = 6
const turns = Array.from({ length: AT_ONCE }, () => Promise.resolve())
let next = 0

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const lane = next++ % AT_ONCE
  const done = (turns[lane] ?? Promise.resolve()).then(work)
  turns[lane] = done.then(
    () => {},
    () => {},
  )
  return done
}

const probed = (...args: Parameters<typeof probedNow>) => inTurn(() => probedNow(...args))

async function probedNow(faults: string[], tls = false, more: Partial<ProbeOptions> = {}): Promise<Report> {
  const server = await serve(new Set(faults), { tls })
  try {
    return await probe({ ...options, url: `${tls ? 'https' : 'http'}://127.0.0.1:${server.port}/`, ...more })
  } finally {
    await server.close()
  }
}

const withOutcome = ({ results }: Report, ...outcomes: string[]) =>
  results.filter(({ outcome }) => outcomes.includes(outcome)).map(({ id, outcome, detail }) => `${id}: ${outcome}, ${detail}`)
const brokenIn = ({ results }: Report) =>
  results.filter(({ outcome }) => ['fail', 'warn', 'no'].includes(outcome)).map(({ id }) => id)

test.concurrent.each([false, true])(
  'the faultless server passes all (TLS: %s)',
  async (tls) => {
    const report = await probed([], tls)
    expect(withOutcome(report, 'fail', 'warn', 'no')).toEqual([])
    const missing = report.results.filter(({ outcome }) => outcome === 'not applicable').map(({ id }) => id)
    expect(missing).toEqual(tls ? [] : TLS)
  },
  180_000,
)

test.concurrent.each(ids)(
  'breaking %s fails that check alone',
  async (id) => {
    const report = await probed([id], TLS.includes(id))
    const seen = withOutcome(report, 'fail', 'warn', 'no').join('\n')
    expect({ broken: brokenIn(report), seen }).toEqual({ broken: [id], seen })
  },
  180_000,
)

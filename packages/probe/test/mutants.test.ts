import { type ProbeOptions, probe, type Report } from 'halfclose-probe'
import { Budget } from '../src/engine/budget.js'
import { failedBy, idsOf, metBy, whole } from './meets.js'
import { serve } from './server/server.js'

// A server that keeps every rule passes every check; one that breaks a single rule fails the check of that rule, and no other.

const SLOW = '/slow?ms=500'
const options = { slow: SLOW, tiers: ['a', 'b'], patience: 3_500, upload: 4 * 1024 * 1024, floods: true } as const
const TLS = ['a/close-notify', 'a/idle-close-notify', 'a/tls-cut-shows']

/** All runs share one event loop: more of them at once would be late for each other. */
const places = new Budget(whole ? 6 : 16)

async function probed(faults: string[], tls = false, more: Partial<ProbeOptions> = {}): Promise<Report> {
  await places.take(1)
  const server = await serve(new Set(faults), { tls })
  try {
    return await probe({ ...options, url: `${tls ? 'https' : 'http'}://127.0.0.1:${server.port}/`, ...more })
  } finally {
    await server.close()
    places.give(1)
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

test.concurrent.each(idsOf('a', 'b'))(
  'breaking %s fails that check alone',
  async (id) => {
    const report = await probed([id], TLS.includes(id), { only: metBy(id) })
    const seen = withOutcome(report, 'fail', 'warn', 'no').join('\n')
    expect({ broken: brokenIn(report), seen }).toEqual({ broken: failedBy(id), seen })
  },
  180_000,
)

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Bytes, kinds, measure, over } from './measure.mjs'

type Variant = 'halfclose' | 'counting'
type Recorded = Record<Variant, Record<(typeof kinds)[number], number>>

interface Limits {
  slack: Record<(typeof kinds)[number], number>
  measured: Record<string, Recorded>
}

const limits: Limits = JSON.parse(readFileSync(path.join(__dirname, 'limits.json'), 'utf8'))
const WITHIN = 180_000
const measured = new Map(Object.entries(limits.measured))

/** A Node that is newer than all that were recorded is held to the newest of them. */
function recorded(): Recorded {
  const own = measured.get(process.versions.node.split('.')[0] ?? '')
  const newest = [...measured.keys()].map(Number).sort((a, b) => b - a)[0]
  const found = own ?? measured.get(String(newest))
  if (found === undefined) throw new Error('nothing is recorded: run node test/allocations/record.mjs')
  return found
}

function limitOf(variant: Variant, kind: (typeof kinds)[number]): number {
  return recorded()[variant][kind] + limits.slack[kind]
}

describe('bytes of heap over the bare server, counted', () => {
  let bare: Bytes
  const found = new Map<string, Bytes>()

  beforeAll(async () => {
    bare = await measure(__dirname, 'bare')
    for (const variant of ['halfclose', 'counting'] as const) found.set(variant, over(await measure(__dirname, variant), bare))
  }, WITHIN * 2)

  for (const variant of ['halfclose', 'counting'] as const) {
    for (const kind of kinds) {
      test(`${variant}: ${kind}: no more than was recorded`, () => {
        expect(found.get(variant)?.[kind]).toBeLessThanOrEqual(limitOf(variant, kind))
      })
    }
  }

  for (const kind of kinds) {
    // After an improvement: node test/allocations/record.mjs, on each Node. A loose limit protects nothing.
    test(`halfclose: ${kind}: no less than was recorded`, () => {
      expect(found.get('halfclose')?.[kind]).toBeGreaterThanOrEqual(recorded().halfclose[kind] - limits.slack[kind])
    })
  }

  test(
    'one closure more per request is noticed',
    async () => {
      const flawed = over(await measure(__dirname, 'halfclose', 'request'), bare)
      expect(flawed.request).toBeGreaterThan(limitOf('halfclose', 'request'))
    },
    WITHIN,
  )

  test(
    'one closure more per connection is noticed',
    async () => {
      const flawed = over(await measure(__dirname, 'halfclose', 'connection'), bare)
      expect(flawed.connection).toBeGreaterThan(limitOf('halfclose', 'connection'))
      expect(flawed.idle).toBeGreaterThan(limitOf('halfclose', 'idle'))
    },
    WITHIN,
  )
})

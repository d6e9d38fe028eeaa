import { NEVER, owedAfter, pieceOf, withTimer } from '../src/node/process-standstill.js'

describe('how long a process stood still', () => {
  it('is told by a timer that is late, and not by one that is a little late in a busy process', () => {
    expect(withTimer(NEVER, 1_000, 1_200)).toBe(NEVER)
    expect(withTimer(NEVER, 1_000, 4_000)).toEqual({ lost: 3_000, last: 3_000, until: 4_000 })
  })

  it.each([[[1_000, 1_200]], [[1_200, 1_000]]])('is counted once where several timers tell of it, due at %j', (due) => {
    const after = due.reduce((before, each, n) => withTimer(before, each, 4_000 + n), NEVER)
    expect(after.lost).toBeGreaterThanOrEqual(2_800)
    expect(after.lost).toBeLessThanOrEqual(3_001)
    expect(withTimer(after, 4_100, 6_100).lost).toBe(after.lost + 2_000)
  })

  it('is owed to those who waited, for as long as it took and within a bound, and only right after it', () => {
    const after = withTimer(NEVER, 1_000, 4_000)
    expect([owedAfter(NEVER, 4_000, 500), owedAfter(after, 4_000, 500), owedAfter(after, 4_000, 9_000)]).toEqual([0, 500, 3_000])
    expect([owedAfter(after, 4_400, 500), owedAfter(after, 4_600, 500)]).toEqual([100, 0])
  })
})

describe('a bound is waited for in pieces', () => {
  it('so that a stand amid it is noticed; Node takes none that is longer than 2^31 - 1 ms', () => {
    expect([pieceOf(4_000, 4_000), pieceOf(4_000, 300), pieceOf(40, 40), pieceOf(1e12, 1e12)]).toEqual([
      1_000, 300, 25, 0x7fff_ffff,
    ])
    expect([pieceOf(4_000, 0.5), pieceOf(0, 0), pieceOf(4_000, -3)]).toEqual([undefined, undefined, undefined])
  })
})

import {
  beginPatience,
  extendPatience,
  isPatienceOver,
  READ,
  stayQuiet,
  type Taken,
  takenOf,
  WINDOW,
} from '../src/socket/slow-reader.js'

const RATE = 240
const MiB = 1024 * 1024
/** Looked at every half second: what the peer has taken by then. Returns when its patience is over. */
function overAt(takenAt: (ms: number) => Taken, until = 120_000): number | undefined {
  let patience = beginPatience(takenAt(0), 0)
  for (let now = 500; now <= until; now += 500) {
    patience = extendPatience(patience, takenAt(now), now, RATE)
    if (isPatienceOver(patience, now)) return now
  }
  return undefined
}

/** A peer that takes `piece` bytes at once, at `rate` bytes/s, of four MiB that our kernel has. */
const reader = (rate: number, piece: number) => (ms: number) =>
  takenOf(4 * MiB, 4 * MiB - piece * (1 + Math.floor((rate * ms) / 1_000 / piece)))

describe('the patience with a peer that takes its response', () => {
  test('ends after 5 s where it takes nothing', () => {
    expect(overAt(() => takenOf(4 * MiB, 4 * MiB))).toBe(WINDOW)
  })

  test('a head and a TLS handshake are not nothing, but show no reader', () => {
    expect(overAt(() => takenOf(4 * MiB, 4 * MiB - 5_000))).toBe(WINDOW)
  })

  test.each([4_000, 20_000, 100_000])('does not end at %i bytes/s, be it in pieces of 4, 64, or 80 KiB', (rate) => {
    for (const piece of [4_096, 65_536, 81_920]) expect([piece, overAt(reader(rate, piece))]).toEqual([piece, undefined])
  })

  test('does not end at 300 bytes/s in pieces of 1 KiB; at 100 it does', () => {
    expect(overAt(reader(300, 1_024))).toBeUndefined()
    expect(overAt((ms) => takenOf(4 * MiB, 4 * MiB - ms / 10))).toBeLessThan(15_000)
  })

  test('ends after one read of a slow reader where it has taken something, and then nothing', () => {
    expect(overAt((ms) => reader(100_000, 65_536)(Math.min(ms, 10_000)))).toBeLessThanOrEqual(10_000 + READ + 1_000)
  })

  test('does not begin anew while the buffers on the way fill up', () => {
    expect(overAt((ms) => takenOf(4 * MiB, 4 * MiB - (ms === 0 ? 0 : 2_000)))).toBe(WINDOW)
  })

  test('where only our own kernel can be asked, what that took lasts a slow reader for a while', () => {
    const kernel = (bytes: number) => takenOf(bytes, undefined)
    expect(overAt(() => kernel(4 * MiB))).toBe(WINDOW)
    expect(overAt((ms) => kernel(ms < 2_000 ? 4 * MiB : 6 * MiB))).toBeUndefined()
  })
})

describe('a bound that starts anew while a peer takes something', () => {
  const began = { kernel: 100, peer: undefined, quiet: 0 }

  test('is over at once where there is nothing for the peer to take', () => {
    expect(stayQuiet(began, takenOf(100, 0), false, 5_000)).toBeUndefined()
  })

  test('starts anew with what our kernel took, and with what the peer took of it', () => {
    const first = stayQuiet(began, takenOf(MiB, MiB), true, 5_000)
    expect(first).toEqual({ kernel: MiB, peer: 0, quiet: 0 })
    expect(first && stayQuiet(first, takenOf(MiB, MiB - 1_000), true, 5_000)?.quiet).toBe(0)
  })

  test('is over after that time where the peer takes nothing, and later where it has shown that it reads', () => {
    expect(stayQuiet({ kernel: MiB, peer: 0, quiet: 0 }, takenOf(MiB, MiB), true, 5_000)).toBeUndefined()
    const shown = takenOf(MiB, MiB - 65_536)
    expect(stayQuiet({ ...shown, quiet: 5_000 }, shown, true, 5_000)?.quiet).toBe(10_000)
    expect(stayQuiet({ ...shown, quiet: READ - 5_000 }, shown, true, 5_000)).toBeUndefined()
  })

  test('is generous where only our own kernel can be asked', () => {
    expect(stayQuiet({ kernel: MiB, peer: undefined, quiet: 200_000 }, takenOf(MiB, undefined), true, 5_000)?.quiet).toBe(205_000)
    expect(stayQuiet({ kernel: MiB, peer: undefined, quiet: 299_000 }, takenOf(MiB, undefined), true, 5_000)).toBeUndefined()
  })
})

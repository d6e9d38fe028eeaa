import { build, fuzzCase } from './fuzz/pipeline.js'
import { Target } from './fuzz/target.js'
import { watchWhatIsLeftBehind } from './left-behind.js'
import { runLane, runsOr } from './seeds.js'

const LANES = 8

describe('no bytes break it', () => {
  const left = watchWhatIsLeftBehind()
  const { uncaught } = left
  // Opened when it is needed: after the last test, which closes it, a test may be played again.
  let opened: Promise<Target> | undefined
  const target = () => {
    opened ??= Target.open()
    return opened
  }
  const runs = Math.ceil(runsOr(800) / LANES)

  for (let lane = 0; lane < LANES; lane++) {
    it.concurrent(
      `mutations of valid pipelines lose no answer that was owed, and run nothing twice: lane ${lane}, ${runs} runs`,
      () =>
        runLane({
          file: 'test/adversary/fuzz',
          lane,
          runs,
          arbitrary: fuzzCase,
          test: (one) =>
            uncaught.during(
              () => JSON.stringify(one),
              async () => (await target()).play(one),
            ),
          describe: (one) =>
            `${JSON.stringify(one)}\n${JSON.stringify(build(one, 's0s').bytes.toString('latin1').slice(0, 3_000))}`,
        }),
      90_000 + runs * 1_000,
    )
  }

  for (const leave of ['fin', 'reset', 'stay'] as const) {
    it.concurrent(`a pipeline cut at every offset gets the answers to what was whole, and then: ${leave}`, async () => {
      const parts = (['post', 'chunked', 'get', 'closing'] as const).map((shape) => ({ shape, size: 3, when: 'soon' as const }))
      const { length } = build({ parts, mutations: [] }, 's0s').bytes
      const at = (offset: number) => ({
        parts,
        mutations: [{ op: 'truncate' as const, at: (offset + 0.5) / length, length: 0, text: '' }],
      })
      for (let offset = 1; offset < length; offset += 20) {
        const offsets = Array.from({ length: Math.min(20, length - offset) }, (_, index) => offset + index)
        const plays = offsets.map((each) => ({ ...at(each), delivery: 'whole' as const, leave, tls: each % 10 === 0 }))
        await Promise.all(
          plays.map((one) =>
            uncaught.during(
              () => JSON.stringify(one),
              async () => (await target()).play(one),
            ),
          ),
        )
      }
    })
  }

  it('leaves nothing open, no socket, server, timer or listener behind, and no error that nobody caught', async () => {
    await (await target()).close()
    opened = undefined
    await left.nothing()
  })
})

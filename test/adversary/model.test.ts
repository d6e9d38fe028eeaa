import { watchWhatIsLeftBehind } from './left-behind.js'
import { play } from './model/play.js'
import { describeScript, script } from './model/script.js'
import { runLane, runsOr } from './seeds.js'

/** Side by side: most of a run is waiting. */
const LANES = 6

describe('a connection does what the model of it does', () => {
  const left = watchWhatIsLeftBehind()
  const { uncaught } = left
  const runs = Math.ceil(runsOr(200) / LANES)
  for (let lane = 0; lane < LANES; lane++) {
    it.concurrent(
      `whatever client, handler and drain do, in whatever order: lane ${lane}, ${runs} runs`,
      () =>
        runLane({
          file: 'test/adversary/model',
          lane,
          runs,
          arbitrary: script,
          test: (one) =>
            uncaught.during(
              () => describeScript(one),
              () => play(one),
            ),
          describe: describeScript,
        }),
      90_000 + runs * 1_000,
    )
  }

  it('leaves no socket, server, timer or process listener behind, and no error that nobody caught', async () => {
    await left.nothing()
  })
})

import { play } from './crowd/play.js'
import { crowdScript } from './crowd/script.js'
import { watchWhatIsLeftBehind } from './left-behind.js'
import { runLane, runsOr } from './seeds.js'

/** Side by side: most of a run is waiting. */
const LANES = 6

describe('a server with everything switched on', () => {
  const left = watchWhatIsLeftBehind()
  const { uncaught } = left
  const runs = Math.ceil(runsOr(120) / LANES)
  for (let lane = 0; lane < LANES; lane++) {
    it.concurrent(
      `throws nothing, leaves nothing open and counts all, whatever several clients do: lane ${lane}, ${runs} runs`,
      () =>
        runLane({
          file: 'test/adversary/crowd',
          lane,
          runs,
          arbitrary: crowdScript,
          test: (one) =>
            uncaught.during(
              () => JSON.stringify(one),
              () => play(one),
            ),
          describe: (one) => JSON.stringify(one),
        }),
      90_000 + runs * 1_000,
    )
  }

  it('leaves no socket, server, timer or process listener behind, and no error that nobody caught', async () => {
    await left.nothing()
  })
})

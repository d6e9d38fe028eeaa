import { Uncaught } from '../support/uncaught.js'
import { openResources, until } from '../support/wait.js'
import { play } from './crowd/play.js'
import { crowdScript } from './crowd/script.js'
import { runLane, runsOr } from './seeds.js'

/** Side by side: most of a run is waiting. */
const LANES = 6

describe('a server with everything switched on', () => {
  let before = openResources()
  const uncaught = new Uncaught()
  beforeAll(() => {
    before = openResources()
    uncaught.listen()
  })
  afterAll(() => uncaught.stop())
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
    const more = () => Object.entries(openResources()).filter(([kind, count]) => count > (before[kind] ?? 0))
    await until('nothing left', () => more().length === 0).catch(() => expect(more()).toEqual([]))
    expect(uncaught.others).toEqual([])
  })
})

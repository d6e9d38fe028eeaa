import { FrameTarget } from './frames/play.js'
import { frameScript } from './frames/script.js'
import { runLane, runsOr } from './seeds.js'

/** Each has a process of its own. */
const LANES = 2

describe('no frames end the process', () => {
  const runs = Math.ceil(runsOr(60) / LANES)
  for (let lane = 0; lane < LANES; lane++) {
    it.concurrent(
      `nothing is thrown that nobody catches, nothing stays open, all is counted: lane ${lane}, ${runs} runs`,
      async () => {
        let target: FrameTarget | undefined
        try {
          await runLane({
            file: 'test/adversary/frames',
            lane,
            runs,
            arbitrary: frameScript,
            test: async (script) => {
              target ??= new FrameTarget()
              try {
                await target.play(script)
              } catch (error) {
                // What failed once may fail for ever: the next script gets a process of its own.
                await target.close()
                target = undefined
                throw error
              }
            },
            describe: (script) => JSON.stringify(script),
          })
        } finally {
          await target?.close()
        }
      },
      90_000 + runs * 1_000,
    )
  }
})

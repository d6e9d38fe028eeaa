import fc from 'fast-check'

const fromEnv = (name: string): number | undefined => {
  const text = process.env[name]
  return text === undefined || text === '' ? undefined : Number(text)
}

/** `HALFCLOSE_RUNS=5000`: how many runs there are in all. */
export const runsOr = (fallback: number): number => fromEnv('HALFCLOSE_RUNS') ?? fallback

/** `HALFCLOSE_SEED=1`: the same runs again. */
export const baseSeed = fromEnv('HALFCLOSE_SEED') ?? Math.floor(Math.random() * 0x7fffffff)

/** `HALFCLOSE_PATH=12:0:3`: only the one run, shrunk as it was. */
const path = process.env.HALFCLOSE_PATH ?? ''

export interface Lane<T> {
  /** The test's file, for the command that plays a failure again. */
  file: string
  lane: number
  runs: number
  arbitrary: fc.Arbitrary<T>
  test: (value: T) => Promise<void>
  describe: (value: T) => string
}

/**
 * Some of the runs, one after another; a few lanes side by side spend each other's waiting. Lane n has the seed base + n, so that
 * the seed of a lane that failed brings its runs back in lane 0.
 */
export async function runLane<T>({ file, lane, runs, arbitrary, test, describe }: Lane<T>): Promise<void> {
  if (path !== '' && lane > 0) return
  const seed = (baseSeed + lane) | 0
  const details = await fc.check(fc.asyncProperty(arbitrary, test), {
    seed,
    numRuns: path === '' ? runs : 1,
    ...(path === '' ? {} : { path, endOnFailure: true }),
    // Shrinking waits for what never comes, again and again.
    interruptAfterTimeLimit: path === '' ? 60_000 + runs * 1_000 : 60_000,
  })
  if (!details.failed) return
  const [value] = details.counterexample ?? []
  const replay = `HALFCLOSE_SEED=${details.seed} HALFCLOSE_PATH=${details.counterexamplePath} npm run jest -- ${file}`
  const { errorInstance } = details
  const message = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance)
  throw new Error(
    [
      `run ${details.numRuns}, shrunk ${details.numShrinks} times: ${value === undefined ? '' : describe(value)}`,
      message,
      `replay this one: ${replay}`,
      `the whole run:   HALFCLOSE_SEED=${details.seed} npm run jest -- ${file}`,
    ].join('\n'),
  )
}

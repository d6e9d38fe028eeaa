import { Uncaught } from '../support/uncaught.js'
import { openResources, until } from '../support/wait.js'

/** What the tests of a `describe` leave behind. */
export interface LeftBehind {
  readonly uncaught: Uncaught
  /** Waits until every socket, server, timer and process listener of the tests is gone, and fails if one stays. */
  nothing(): Promise<void>
}

/** To be called in a `describe`, before its tests; the last of these calls `nothing()`. */
export function watchWhatIsLeftBehind(): LeftBehind {
  const uncaught = new Uncaught()
  let before = openResources()
  beforeAll(() => {
    before = openResources()
    uncaught.listen()
  })
  afterAll(() => uncaught.stop())
  const more = () => Object.entries(openResources()).filter(([kind, count]) => count > (before[kind] ?? 0))
  return {
    uncaught,
    async nothing() {
      await until('nothing left', () => more().length === 0).catch(() => expect(more()).toEqual([]))
      expect(uncaught.others).toEqual([])
    },
  }
}

import { AsyncLocalStorage } from 'node:async_hooks'
import { openResources, pass, until } from '../../../test/support/wait.js'
import { afterPoll, type Timer, Timers } from '../src/node/timers.js'

const failed = (error: unknown): void => {
  throw error
}

function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const fired = (start: (run: () => void) => Timer): Promise<number> => {
  const began = performance.now()
  return new Promise((resolve) => void start(() => resolve(performance.now() - began)))
}

test('what waits for a peer is given the time in which the process stood still; a deadline is not', async () => {
  const timers = new Timers(failed)
  const waits = fired((run) => timers.after(400, run))
  const strikes = fired((run) => timers.deadline(400, run))
  standStill(1_000)
  expect(await strikes).toBeLessThan(await waits)
  expect(await waits).toBeGreaterThanOrEqual(1_000 + 400 - 100 - 5)
  expect(timers.lost).toBeGreaterThanOrEqual(1_000 - 100 - 5)
})

test('a stand amid a bound is noticed although the bound is over in time', async () => {
  const timers = new Timers(failed)
  const waits = fired((run) => timers.after(1_600, run))
  standStill(1_000)
  expect(await waits).toBeGreaterThanOrEqual(1_600 + 500)
})

test('what is stopped does not run, and leaves nothing behind', async () => {
  const before = openResources()
  const timers = new Timers(failed)
  const ran: string[] = []
  const once = timers.after(20, () => ran.push('once'))
  const again = timers.every(20, () => {
    ran.push('again')
    again.stop()
  })
  once.stop()
  once.stop()
  await until('the other one', () => ran.length > 0)
  await pass(60)
  expect(ran).toEqual(['again'])
  expect(openResources()).toEqual(before)
})

test('timers belong to no request: they are armed in the context in which they were made', async () => {
  const storage = new AsyncLocalStorage<string>()
  const timers = new Timers(failed)
  const seen = await storage.run('a request', () => new Promise((resolve) => timers.after(5, () => resolve(storage.getStore()))))
  expect(seen).toBeUndefined()
})

test('a look is taken over some turns of the loop', async () => {
  let turns = 0
  let over = false
  afterPoll(() => {
    over = true
  })
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve))
    turns++
  }
  expect(turns).toBeGreaterThanOrEqual(3)
})

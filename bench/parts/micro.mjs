// Ways to do the same thing, where one of them was chosen. What decided is the time, so nothing else is here.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import { Socket } from 'node:net'
import { Bench } from 'tinybench'

export const title = 'Choices'

export async function run({ quick }, say) {
  const rows = []
  for (const { question, ways } of CHOICES) {
    const bench = new Bench({ time: quick ? 100 : 400, warmupTime: 100 })
    for (const [way, run] of Object.entries(ways)) bench.add(way, run)
    await bench.run()
    for (const { name, result } of bench.tasks) {
      const row = { question, way: name, nanoseconds: result.latency.mean * 1e6, margin: result.latency.rme }
      rows.push(row)
      say(`${question}: ${name}: ${row.nanoseconds.toFixed(0)} ns`)
    }
  }
  return { rows }
}

const storage = new AsyncLocalStorage()
let kept
const nothing = () => {}

/** A hundred of each, so that the clock is not what is measured; the figure is for the hundred. */
const times = (work) => () => {
  for (let count = 0; count < 100; count++) kept = work(count)
  return kept
}

/** A member of a list in which each knows its neighbours. */
const list = { older: undefined, newer: undefined }
list.older = list
list.newer = list
const member = { older: list, newer: list }
const append = () => {
  member.older = list.older
  member.newer = list
  list.older.newer = member
  list.older = member
}
const unlink = () => {
  member.older.newer = member.newer
  member.newer.older = member.older
}

const socket = new Socket()

const CHOICES = [
  {
    // A request that has to wait runs in the async context in which it was parsed.
    question: '100 async contexts that are kept and entered',
    ways: {
      'AsyncLocalStorage.snapshot()': times(() => storage.run(1, () => AsyncLocalStorage.snapshot()(nothing))),
      'new AsyncResource()': times(() =>
        storage.run(1, () => new AsyncResource('BENCH', { requireManualDestroy: true }).runInAsyncScope(nothing)),
      ),
    },
  },
  {
    // Promises are measured on a clock that nobody sets back.
    question: '100 times of a request',
    ways: { 'performance.now()': times(() => performance.now()), 'Date.now()': times(() => Date.now()) },
  },
  {
    // One timer looks after all idle connections: after a response a connection joins their list, with the next request it leaves it.
    question: '100 connections that go idle, and are used again',
    ways: {
      'a timer of Node for each': times(() => socket.setTimeout(6_000) && socket.setTimeout(0)),
      'a list for all': times(() => {
        append()
        unlink()
      }),
    },
  },
]

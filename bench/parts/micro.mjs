// Ways to do the same thing, where one of them was chosen. What decided is the time, so nothing else is here.
import { AsyncLocalStorage } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
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

const CHOICES = [
  {
    // Only a request that has to wait pays for its async context.
    question: '100 requests that need their own async context',
    ways: {
      'AsyncLocalStorage.snapshot(), where one waits': times(() => storage.run(1, () => AsyncLocalStorage.snapshot())),
      'none, where none waits': times(() => storage.run(1, nothing)),
    },
  },
  {
    // Promises are measured on a clock that nobody sets back.
    question: '100 times of a request',
    ways: { 'performance.now()': times(() => performance.now()), 'Date.now()': times(() => Date.now()) },
  },
  {
    // A socket has its end seen by its own `emit`, and not by one more listener.
    question: '100 sockets whose end is seen',
    ways: {
      "once('close', closure)": times((count) => {
        const socket = new EventEmitter()
        socket.once('close', () => count)
        return socket
      }),
      'an emit of its own': times(() => {
        const socket = new EventEmitter()
        socket.emit = emit
        return socket
      }),
    },
  },
]

function emit(event, ...args) {
  return Reflect.apply(Object.getPrototypeOf(this).emit, this, [event, ...args])
}

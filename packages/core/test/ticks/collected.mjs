// Says as JSON whether V8 still has process.nextTick compiled after full collections at which there is no tick. Needs --expose-gc --allow-natives-syntax.
import { createServer } from 'node:http'
import { attach } from '../../dist/esm/index.js'

const statusOf = new Function('subject', 'return %GetOptimizationStatus(subject)')
/** A function, and nothing else. */
const INTERPRETED = 1

if (process.argv[2] === 'attached') attach(createServer())
for (let round = 0; round < 200 && statusOf(process.nextTick) === INTERPRETED; round++) await ticks(60_000)
// What was made before that may have another shape.
await ticks(120_000)
const before = statusOf(process.nextTick)
for (let count = 0; count < 20 && statusOf(process.nextTick) === before; count++) {
  await new Promise((resolve) => setTimeout(resolve, 5))
  globalThis.gc()
}
console.log(JSON.stringify({ compiled: before !== INTERPRETED, still: statusOf(process.nextTick) === before }))

function ticks(count) {
  return new Promise((resolve) => {
    const next = () => {
      count--
      if (count > 0) process.nextTick(next)
      else setImmediate(resolve)
    }
    process.nextTick(next)
  })
}

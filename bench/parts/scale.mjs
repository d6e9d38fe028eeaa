// From a thousand to fifty thousand connections: what one of them costs should not depend on how many there are.
import { setTimeout as sleep } from 'node:timers/promises'
import { startServer } from '../child.mjs'
import { crowd } from '../crowd.mjs'
import { openFiles, raised } from '../machine.mjs'

export const title = 'Scale: CPU time per connection, on http'

const COUNTS = [1_000, 5_000, 10_000, 15_000, 50_000]
/** What the process itself needs. */
const SPARE = 200
/** What the largest needs. */
const FILES = Math.max(...COUNTS) + SPARE
const PROMISE = 5_000
const EXPIRED_WITHIN = 60_000

export async function run({ variants, quick }, say) {
  const limit = openFiles(FILES) - SPARE
  const counts = COUNTS.filter((count) => !quick || count <= 5_000)
  const rows = []
  for (const count of counts) {
    if (count > limit) {
      rows.push({ variant: 'halfclose', count, skipped: `skipped: a process may open ${limit + SPARE} files` })
      continue
    }
    // Side by side: what is counted is the time of their own that they use.
    const names = ['bare', 'halfclose'].filter((name) => variants.includes(name))
    const found = await Promise.all(names.map(async (variant) => ({ variant, count, ...(await measure(variant, count)) })))
    for (const row of found) {
      rows.push(row)
      say(
        `${row.variant}, ${count}: attach ${row.attach.toFixed(0)} µs each, request ${row.promise.toFixed(0)}, expire ${row.expire.toFixed(0)}, ` +
          `drain ${row.drain.toFixed(0)}; stalls ${row.expireStall.toFixed(0)} and ${row.drainStall.toFixed(0)} ms (of it CPU: ${row.drainStallCpu.toFixed(0)})`,
      )
    }
  }
  return {
    settings: { counts, promise: PROMISE },
    rows,
    note: 'halfclose with drain.idle: 0, so that the drain closes all of them at once, as the bare server does.',
  }
}

async function measure(variant, count) {
  const clients = await crowd(count)
  try {
    return { ...(await lives(variant, count, clients)), ...(await drained(variant, count, clients)) }
  } finally {
    await clients.kill()
  }
}

/** They come, are promised 5 s, and expire. */
async function lives(variant, count, clients) {
  const server = await started(variant, PROMISE, clients)
  try {
    const attach = await cost(server, count, () => clients.open(server.port, count))
    const promise = await cost(server, count, () => clients.askAll('/'))
    const left = await server.ask('open')
    if (left < 0.9 * count)
      throw new Error(`${count - left} of ${count} had expired before all were there: the machine is too busy`)
    await server.ask('watchStalls')
    const expire = await cost(server, left, () => emptied(server))
    return { attach, promise, expire, expireStall: await server.ask('stall') }
  } finally {
    await server.kill()
  }
}

/** They come, and are sent away. */
async function drained(variant, count, clients) {
  const server = await started(variant, undefined, clients)
  try {
    const before = await server.ask('memory')
    await clients.open(server.port, count, '/')
    const after = await server.ask('memory')
    const { cpu, stall, stallCpu } = await server.ask('drain')
    return {
      drain: (cpu.user + cpu.system) / count,
      drainStall: stall,
      drainStallCpu: stallCpu,
      heap: (after.heap - before.heap) / count,
    }
  } finally {
    await server.kill()
    await clients.leave()
  }
}

/** What is used has been compiled, and Node's tables have grown. */
async function started(variant, keepFor, clients) {
  const options = { drain: { idle: 0 }, ...(keepFor && { keepFor }) }
  const server = await startServer('http', variant, options, { under: raised(FILES) })
  await clients.open(server.port, 1_000, '/')
  await clients.leave()
  return server
}

/** Microseconds of CPU, each. */
async function cost(server, count, work) {
  const from = await server.ask('usage')
  await work()
  const to = await server.ask('usage')
  return (to.user + to.system - from.user - from.system) / count
}

async function emptied(server) {
  const deadline = performance.now() + EXPIRED_WITHIN
  for (let open = await server.ask('open'); open > 0; open = await server.ask('open')) {
    if (performance.now() > deadline) throw new Error(`${open} connections had not expired after ${EXPIRED_WITHIN} ms`)
    await sleep(50)
  }
}

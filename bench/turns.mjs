// Two ways to put the same load on several servers that are up at once.
//
// Either makes them servers that have lived for a while first: warmed up, and through several full collections (`memory`). What V8 knows of a kind of objects
// is lost in a collection at which there are none, and afterwards some of Node's functions are compiled in another way, for good: of two young processes one
// may have been through that, and takes a tenth more for each request for as long as it lives.
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from './load.mjs'
import { shuffled } from './stats.mjs'

/** Milliseconds for which one server runs before it is another one's turn: long for a cache, and short for what a neighbour does. */
const SLICE = 50

/**
 * All have their load all the time, and one runs while the others are stopped (SIGSTOP), in turns of 50 ms and in a new order each time. What a machine
 * does in longer times (it slows down, a neighbour wakes up) strikes all of them alike. CPU time per request is what each used over all of its turns.
 * `warmup`: turns before the measured ones.
 * @returns {AsyncIterable<Record<string, object>>} the figures by variant; once
 */
export async function* inTurns(servers, { warmup, turns, request }) {
  await loaded(servers, request, () => take(servers, warmup))
  // With nothing under way: of what is alive the shape is kept.
  for (const server of servers) await server.ask('memory')
  yield await loaded(servers, request, async () => {
    await take(servers, warmup)
    const before = await usageOf(servers)
    await take(servers, turns)
    const after = await usageOf(servers)
    return Object.fromEntries(
      servers.map(({ variant }, index) => {
        const [from, to] = [before[index], after[index]]
        const count = to.requests - from.requests
        return [variant, perRequest(to.user - from.user, to.system - from.system, count, turns * SLICE)]
      }),
    )
  })
}

/** All have their load while `run` does something, and are stopped when it begins. */
async function loaded(servers, request, run) {
  const stops = servers.map(({ port }) => load(port, request))
  try {
    for (const { pid } of servers) process.kill(pid, 'SIGSTOP')
    return await run()
  } finally {
    for (const { pid } of servers) process.kill(pid, 'SIGCONT')
    await Promise.all(stops.map((stop) => stop()))
  }
}

async function take(servers, turns) {
  for (let turn = 0; turn < turns; turn++) {
    for (const { pid } of shuffled(servers)) {
      process.kill(pid, 'SIGCONT')
      await sleep(SLICE)
      process.kill(pid, 'SIGSTOP')
    }
  }
}

async function usageOf(servers) {
  const found = []
  for (const server of servers) {
    process.kill(server.pid, 'SIGCONT')
    found.push(await server.ask('usage'))
    process.kill(server.pid, 'SIGSTOP')
  }
  return found
}

/**
 * Each has the load to itself for a number of requests, in a new order each time: where it is the answers of a second that matter, too. The first round is
 * thrown away.
 * @returns {AsyncIterable<Record<string, object>>} the figures by variant; once for each round
 */
export async function* oneAfterTheOther(servers, { warmup, requests, rounds, request }) {
  for (const server of servers) {
    await alone(server, { count: warmup, request })
    await server.ask('memory')
  }
  for (let round = -1; round < rounds; round++) {
    const figures = {}
    for (const server of shuffled(servers))
      figures[server.variant] = await alone(server, { skip: 1_000, count: requests, request })
    if (round >= 0) yield figures
  }
}

/** The figures of one server that has the load to itself, over `count` requests after `skip` others. */
async function alone(server, { skip = 0, count, request }) {
  const stop = load(server.port, request)
  try {
    const { user, system, ms } = await server.ask('window', { skip, count })
    return perRequest(user, system, count, ms)
  } finally {
    await stop()
  }
}

/** Microseconds of CPU per request, and requests per second. */
function perRequest(user, system, count, ms) {
  return { user: user / count, system: system / count, total: (user + system) / count, perSecond: (count / ms) * 1_000 }
}

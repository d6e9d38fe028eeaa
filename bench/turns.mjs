// Two ways to put the same load on several servers that are up at once.
import { setTimeout as sleep } from 'node:timers/promises'
import { load } from './load.mjs'
import { shuffled } from './stats.mjs'

/** Milliseconds for which one server runs before it is another one's turn: long for a cache, and short for what a neighbour does. */
const SLICE = 50
/** Turns after which the load has settled. */
const SETTLED = 4

/**
 * All have their load all the time, and one runs while the others are stopped (SIGSTOP), in turns of 50 ms and in a new order each time. What a machine
 * does in longer times (it slows down, a neighbour wakes up) strikes all of them alike. CPU time per request is what each used over all of its turns.
 * @returns {AsyncIterable<Record<string, object>>} the figures by variant; once
 */
export async function* inTurns(servers, { turns, request }) {
  const stops = servers.map(({ port }) => load(port, request))
  try {
    for (const { pid } of servers) process.kill(pid, 'SIGSTOP')
    await take(servers, SETTLED)
    const before = await usageOf(servers)
    await take(servers, turns)
    const after = await usageOf(servers)
    yield Object.fromEntries(
      servers.map(({ variant }, index) => {
        const [from, to] = [before[index], after[index]]
        const count = to.requests - from.requests
        return [variant, perRequest(to.user - from.user, to.system - from.system, count, turns * SLICE)]
      }),
    )
  } finally {
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
export async function* oneAfterTheOther(servers, { requests, rounds, skip, request }) {
  for (let round = -1; round < rounds; round++) {
    const figures = {}
    for (const server of shuffled(servers)) figures[server.variant] = await alone(server, { skip, count: requests, request })
    if (round >= 0) yield figures
  }
}

/** The figures of one server that has the load to itself, over `count` requests after `skip` others. */
export async function alone(server, { skip, count, request }) {
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

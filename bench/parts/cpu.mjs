// CPU time per request, as a ratio to the bare host.
import { startServer } from '../child.mjs'
import { load } from '../load.mjs'
import { onServerCore } from '../pin.mjs'
import { median, quantile, shuffled, spread } from '../stats.mjs'

export const title = 'CPU time per request'

/**
 * A generation is one process for each variant; each round gives every one of them the same number of requests, in a new order. The
 * ratio is to the mean of the two bare processes in the same round, so that a machine that slows down slows all of them. Several
 * generations, since two processes of the same program differ by a percent or two for as long as they live.
 */
export async function run({ hosts, variants, quick }, say) {
  const { generations, rounds } = quick ? QUICK : FULL
  const rows = []
  for (const host of hosts) {
    const names = ['bare', 'again', ...variants.filter((name) => name !== 'bare' && name !== 'again')]
    const settings = { requests: REQUESTS[host], warmup: WARMUP[host] }
    rows.push(...(await compare({ host, names, generations, rounds, ...settings }, say)))
  }
  return { settings: { generations, rounds, requests: REQUESTS, warmup: WARMUP }, rows }
}

/** Milliseconds for each host, after which no new processes are started: on a busy machine fewer rounds are better than no end. */
const BUDGET = 60_000
const FULL = { generations: 6, rounds: 3 }
const QUICK = { generations: 9, rounds: 3 }
/** About the same CPU time for each host. */
const REQUESTS = { http: 8_000, express: 2_500, fastify: 8_000 }
const WARMUP = { http: 20_000, express: 8_000, fastify: 20_000 }

/** @param {{ path?: string, close?: boolean, pipelining?: number }} [request] what is sent */
export async function compare(
  { host, names, generations, rounds, requests, warmup, request, skip = 1_000, budget = BUDGET },
  say,
) {
  const began = performance.now()
  const samples = Object.fromEntries(names.map((name) => [name, []]))
  let generation = 0
  for (; generation < generations && (generation < 2 || performance.now() - began < budget); generation++) {
    const servers = []
    try {
      for (const name of names) servers.push(await startServer(host, name, undefined, { under: onServerCore }))
      for (const server of servers) await measure(server, { skip: 0, count: warmup, request })
      // The first round is warm-up as well.
      for (let round = -1; round < rounds; round++) {
        const result = {}
        for (const server of shuffled(servers)) {
          result[server.variant] = await measure(server, { skip, count: requests, request })
        }
        if (round < 0) continue
        const base = (result.bare.total + result.again.total) / 2
        for (const name of names) {
          const against = name === 'bare' || name === 'again' ? result.bare.total : base
          samples[name].push({ generation, ratio: result[name].total / against, ...result[name] })
        }
        say(`${host}: processes ${generation + 1}/${generations}, round ${round + 1}/${rounds}: ${soFar(names, samples)}`)
      }
    } finally {
      await Promise.all(servers.map((server) => server.kill()))
    }
  }
  const rows = names.map((name) => summary(host, name, samples[name], generation))
  const floor = (rows[0].cheapest + rows[1].cheapest) / 2
  return rows.map((row) => ({ ...row, floorRatio: row.cheapest / floor }))
}

/** Microseconds of CPU per request. */
async function measure(server, { skip, count, request }) {
  const stop = load(server.port, request)
  try {
    const { user, system, ms } = await server.ask('window', { skip, count })
    return { user: user / count, system: system / count, total: (user + system) / count, perSecond: (count / ms) * 1_000 }
  } finally {
    await stop()
  }
}

function summary(host, variant, samples, generations) {
  const of = (pick) => samples.map(pick)
  return {
    host,
    variant,
    ratio: spread(of(({ ratio }) => ratio)),
    /** Of the cheapest tenth of all measurements: what other processes on the machine add is never negative. */
    cheapest: quantile(
      of(({ total }) => total),
      0.1,
    ),
    /** The median of each set of processes: how much of the spread is the process, and not the round. */
    perGeneration: Array.from({ length: generations }, (_, index) =>
      median(samples.filter(({ generation }) => generation === index).map(({ ratio }) => ratio)),
    ),
    microseconds: {
      total: median(of(({ total }) => total)),
      user: median(of(({ user }) => user)),
      system: median(of(({ system }) => system)),
    },
    perSecond: median(of(({ perSecond }) => perSecond)),
  }
}

function soFar(names, samples) {
  return names
    .filter((name) => name !== 'bare')
    .map((name) => `${name} ${median(samples[name].map(({ ratio }) => ratio)).toFixed(3)}`)
    .join(', ')
}

// CPU time per request, as a ratio to the bare host.
import { startServer } from '../child.mjs'
import { load } from '../load.mjs'
import { onServerCore } from '../pin.mjs'
import { median, medianWithin, quantile, shuffled, spread } from '../stats.mjs'

export const title = 'CPU time per request'

/**
 * A generation is one process for each variant; each round gives every one of them the same number of requests, in a new order. The
 * ratio is to the mean of the two bare processes in the same round, so that a machine that slows down slows all of them. Several
 * generations, since two processes of the same program differ by some percent for as long as they live. The peers, which have no target to meet,
 * take part in the first ones.
 */
export async function run({ hosts, variants, quick }, say) {
  const { generations, rounds, budget } = quick ? QUICK : FULL
  const rows = []
  for (const host of hosts) {
    const names = ['bare', 'again', ...OURS.filter((name) => variants.includes(name))]
    const peers = variants.filter((name) => name !== 'bare' && !names.includes(name))
    const settings = { requests: REQUESTS[host], warmup: WARMUP[host] }
    rows.push(...(await compare({ host, names, peers, generations, rounds, budget, ...settings }, say)))
  }
  return { settings: { generations, rounds, withPeers: WITH_PEERS, requests: REQUESTS, warmup: WARMUP }, rows }
}

/** `budget`: milliseconds for each host, after which no new processes are started: on a busy machine fewer rounds are better than no end. */
const FULL = { generations: 24, rounds: 2, budget: 240_000 }
const QUICK = { generations: 9, rounds: 3, budget: 60_000 }
const OURS = ['halfclose', 'counting']
/** Generations in which the peers take part. */
const WITH_PEERS = 4
/** About the same CPU time for each host. */
const REQUESTS = { http: 8_000, express: 2_500, fastify: 8_000 }
const WARMUP = { http: 20_000, express: 8_000, fastify: 20_000 }

/** @param {{ path?: string, close?: boolean, pipelining?: number }} [request] what is sent */
export async function compare(
  { host, names, peers = [], generations, rounds, requests, warmup, request, skip = 1_000, budget },
  say,
) {
  const began = performance.now()
  const samples = Object.fromEntries([...names, ...peers].map((name) => [name, []]))
  let generation = 0
  for (; generation < generations && (generation < 2 || performance.now() - began < budget); generation++) {
    const servers = []
    const present = generation < WITH_PEERS ? [...names, ...peers] : names
    try {
      for (const name of present) servers.push(await startServer(host, name, undefined, { under: onServerCore }))
      for (const server of servers) await measure(server, { skip: 0, count: warmup, request })
      // The first round is warm-up as well.
      for (let round = -1; round < rounds; round++) {
        const result = {}
        for (const server of shuffled(servers)) {
          result[server.variant] = await measure(server, { skip, count: requests, request })
        }
        if (round < 0) continue
        const base = (result.bare.total + result.again.total) / 2
        for (const name of present) {
          const against = name === 'bare' || name === 'again' ? result.bare.total : base
          samples[name].push({ generation, ratio: result[name].total / against, ...result[name] })
        }
        say(`${host}: processes ${generation + 1}/${generations}, round ${round + 1}/${rounds}: ${soFar(names, samples)}`)
      }
    } finally {
      await Promise.all(servers.map((server) => server.kill()))
    }
  }
  const rows = [...names, ...peers].map((name) => summary(host, name, samples[name]))
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

function summary(host, variant, samples) {
  const of = (pick) => samples.map(pick)
  /** The median of each set of processes: how much of the spread is the process, and not the round. */
  const perGeneration = [...new Set(of(({ generation }) => generation))].map((index) =>
    median(samples.filter(({ generation }) => generation === index).map(({ ratio }) => ratio)),
  )
  return {
    host,
    variant,
    ratio: spread(of(({ ratio }) => ratio)),
    /** Of the cheapest tenth of all measurements: what other processes on the machine add is never negative. */
    cheapest: quantile(
      of(({ total }) => total),
      0.1,
    ),
    perGeneration,
    /** By the sets of processes, since the rounds of one of them are not independent. */
    within: medianWithin(perGeneration),
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

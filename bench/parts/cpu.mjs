// CPU time per request, as a ratio to the bare host.
import { startServer } from '../child.mjs'
import { onServerCore } from '../pin.mjs'
import { median, medianWithin, quantile, shuffled, spread } from '../stats.mjs'
import { inTurns } from '../turns.mjs'

export const title = 'CPU time per request'

/** `budget`: milliseconds for each host, after which no new processes are started: on a busy machine fewer are better than no end. */
const FULL = { generations: 32, budget: 210_000 }
const QUICK = { generations: 9, budget: 60_000 }
/** Turns of 50 ms. */
const TURNS = { warmup: 24, turns: 16 }
const OURS = ['halfclose', 'counting', 'metrics']
/** Generations in which the peers take part. */
const WITH_PEERS = 4

export async function run({ hosts, variants, quick }, say) {
  const { generations, budget } = quick ? QUICK : FULL
  const rows = []
  for (const host of hosts) {
    const names = ['bare', 'again', 'tick-shape', ...OURS.filter((name) => variants.includes(name))]
    const peers = variants.filter((name) => name !== 'bare' && !names.includes(name))
    const measure = (servers) => inTurns(servers, TURNS)
    rows.push(...(await compare({ host, names, peers, generations, budget, measure }, say)))
  }
  return { settings: { generations, ...TURNS, withPeers: WITH_PEERS }, rows }
}

/**
 * A generation is one process for each variant, measured together. The ratio is to the mean of the two bare processes of the same generation, in the same
 * round. Several generations, since two processes of the same program differ by some percent for as long as they live. The peers, which have no
 * target to meet, take part in the first ones.
 * @param {(servers: object[]) => AsyncIterable<Record<string, object>>} measure the figures of a generation by variant; for each round, if there are several
 */
export async function compare({ host, names, peers = [], generations, budget, measure }, say) {
  const began = performance.now()
  const samples = Object.fromEntries([...names, ...peers].map((name) => [name, []]))
  let generation = 0
  for (; generation < generations && (generation < 2 || performance.now() - began < budget); generation++) {
    const servers = []
    const present = generation < WITH_PEERS ? [...names, ...peers] : names
    try {
      // In a new order each time: who comes first is some percent dearer, or cheaper, than who comes last.
      for (const name of shuffled(present)) servers.push(await startServer(host, name, undefined, { under: onServerCore }))
      for await (const figures of measure(servers)) {
        const base = (figures.bare.total + figures.again.total) / 2
        for (const name of present) {
          const against = name === 'bare' || name === 'again' ? figures.bare.total : base
          const like = figures['tick-shape'] && figures[name].total / figures['tick-shape'].total
          const without = name === 'metrics' && figures.halfclose ? figures.metrics.total / figures.halfclose.total : undefined
          samples[name].push({ generation, ratio: figures[name].total / against, like, without, ...figures[name] })
        }
        say(`${host}: processes ${generation + 1}/${generations}: ${soFar(names, samples)}`)
      }
    } finally {
      await Promise.all(servers.map((server) => server.kill()))
    }
  }
  const rows = [...names, ...peers].map((name) => summary(host, name, samples[name]))
  const floor = (rows[0].cheapest + rows[1].cheapest) / 2
  return rows.map((row) => ({ ...row, floorRatio: row.cheapest / floor }))
}

function summary(host, variant, samples) {
  const of = (pick) => samples.map(pick)
  /** The median of each generation: how much of the spread is the process, and not the round. */
  const perGeneration = [...new Set(of(({ generation }) => generation))].map((index) =>
    median(samples.filter(({ generation }) => generation === index).map(({ ratio }) => ratio)),
  )
  return {
    host,
    variant,
    ratio: spread(of(({ ratio }) => ratio)),
    /** To the bare host in which V8 makes Node's ticks as fast as in ours: what the policy costs by itself. */
    like: samples.some(({ like }) => like === undefined) ? undefined : spread(of(({ like }) => like)),
    /** With metrics, to halfclose without them in the same generation. */
    without: samples.some(({ without }) => without === undefined) ? undefined : spread(of(({ without }) => without)),
    /** Of the cheapest tenth of all measurements: what other processes on the machine add is never negative. */
    cheapest: quantile(
      of(({ total }) => total),
      0.1,
    ),
    perGeneration,
    /** By generations, since the rounds of one of them are not independent. */
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

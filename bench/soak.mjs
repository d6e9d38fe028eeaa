// Lives, one after the other, in one process: load, churn, resets, a drain. What is left over each time must not grow. npm run soak -- --minutes 1
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Child, killAll } from './child.mjs'
import { crowd } from './crowd.mjs'
import { load, stopAll } from './load.mjs'
import { machine } from './machine.mjs'
import { median } from './stats.mjs'
import { hosts } from './variants.mjs'

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } })
const LASTS = Number(values.minutes) * 60_000
/** No lives are judged before these: code is compiled, tables grow. */
const WARMUP = { lives: 2 * hosts.length, part: 0.3 }
/** The heap may differ by this much, at the end from after the warm-up, in bytes, whatever the number of lives. */
const GROWTH = 1_000_000
/** Resident memory follows the heap late and in steps. */
const RESIDENT = 30_000_000
const CLIENTS = 500

if (!(LASTS > 0)) throw new Error('--minutes: a number over 0')
console.log(
  Object.entries(machine())
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n'),
)
const server = new Child('./soak-server.mjs', [], ['--expose-gc'])
const clients = await crowd(CLIENTS)
const began = performance.now()
const samples = []
try {
  await server.ready()
  for (let life = 0; performance.now() - began < LASTS || life < WARMUP.lives + 6; life++) {
    const host = hosts[life % hosts.length]
    samples.push({ life, ...(await live(host)) })
    const { heap, rss, handles, seen } = samples.at(-1)
    const seconds = ((performance.now() - began) / 1_000).toFixed(0).padStart(4)
    console.log(
      `${seconds} s  life ${life + 1}, ${host}: ${seen.connections.opened} connections, ${seen.requests.finished} requests, ` +
        `${seen.closes.peer ?? 0} reset; afterwards ${(heap / 1e6).toFixed(2)} MB of heap, ${(rss / 1e6).toFixed(0)} MB resident, ${handles} handles`,
    )
  }
  judge()
} finally {
  stopAll()
  await killAll()
}

async function live(host) {
  const { port } = await server.ask('live', { host })
  await clients.open(port, CLIENTS, '/')
  await loaded(port, { close: true })
  await loaded(port, {})
  // Half of them leave by a reset amid a request; the others are idle when the drain begins.
  await clients.open(port, CLIENTS, '/hold')
  await clients.leave()
  await clients.open(port, CLIENTS, '/')
  const drained = server.ask('drain')
  const seen = await drained
  await clients.leave()
  await sleep(50)
  return { ...(await server.ask('memory')), seen }
}

async function loaded(port, how) {
  const stop = load(port, how)
  await sleep(700)
  await stop()
}

function judge() {
  const first = Math.max(WARMUP.lives, Math.floor(samples.length * WARMUP.part))
  const judged = samples.slice(first)
  const part = Math.max(2, Math.floor(judged.length / 4))
  const grew = (name) =>
    median(judged.slice(-part).map((sample) => sample[name])) - median(judged.slice(0, part).map((sample) => sample[name]))
  const heap = grew('heap')
  const rss = grew('rss')
  const handles = grew('handles')
  const kilobytes = (value) => `${(value / 1_000).toFixed(0)} kB`
  console.log(
    `\n${samples.length} lives, ${first} of them warm-up. Medians, last quarter less first: heap ${kilobytes(heap)} ` +
      `(at most ${kilobytes(GROWTH)}), resident ${kilobytes(rss)} (at most ${kilobytes(RESIDENT)}), handles ${handles} (at most 0)`,
  )
  const broken = samples.filter(({ seen }) => Object.values(seen.open).some((count) => count > 0))
  if (broken.length > 0) console.log(`connections were left open after ${broken.length} drains`)
  const grown = heap > GROWTH || rss > RESIDENT || handles > 0 || broken.length > 0
  console.log(grown ? 'GROWTH' : 'no growth')
  if (grown) process.exitCode = 1
}

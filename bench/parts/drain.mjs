// Stopping: how long it takes, and for how long it keeps the event loop from anything else.
import { setTimeout as sleep } from 'node:timers/promises'
import { startServer } from '../child.mjs'
import { crowd } from '../crowd.mjs'
import { labelOf } from '../variants.mjs'

export const title = 'Drain'

const IDLE = 10_000
const BUSY = 1_000
/** Busy ones are answered this long after the drain has begun, in ms. */
const HOLD = 300
/** Node's default: what busy ones are kept for after their answer, where the drain does not end them. */
const KEEP_ALIVE = 5_000
const AT_MOST = 60_000

export async function run({ hosts, variants, quick }, say) {
  const clients = await crowd(IDLE)
  const rows = []
  try {
    for (const host of hosts) {
      for (const kind of ['idle', 'busy']) {
        for (const one of casesOf(host, kind, variants, quick)) {
          const row = { host, kind, count: kind === 'idle' ? IDLE : BUSY, ...one, ...(await measure(host, kind, one, clients)) }
          rows.push(row)
          say(
            `${host}, ${row.label}: ${row.count} ${kind} in ${Math.round(row.ms)} ms, longest stall ${Math.round(row.stall)} ms`,
          )
        }
      }
    }
  } finally {
    await clients.kill()
  }
  return {
    rows,
    note:
      'halfclose keeps its promise of 5 s and a second; with drain.idle: 0 it closes idle connections at once, as all the others do. ' +
      `Busy ones are answered ${HOLD} ms after the drain began. Idle ones at the peers: on http only, since they see the server and not the framework.`,
  }
}

function casesOf(host, kind, variants, quick) {
  const cases = []
  for (const variant of variants) {
    const ours = variant === 'bare' || variant === 'halfclose'
    if (variant === 'again' || variant === 'counting' || (!ours && host !== 'http' && kind === 'idle')) continue
    if (variant === 'halfclose' && kind === 'idle') {
      if (!quick) cases.push({ variant, label: 'halfclose' })
      cases.push({ variant, label: 'halfclose, drain.idle: 0', options: { drain: { idle: 0 } } })
    } else cases.push({ variant, label: labelOf(variant) })
  }
  return cases
}

async function measure(host, kind, { variant, options }, clients) {
  const server = await startServer(host, variant, { ...options, ...(kind === 'busy' && { keepFor: KEEP_ALIVE }) })
  try {
    await clients.open(server.port, kind === 'idle' ? IDLE : BUSY, kind === 'idle' ? '/' : '/hold')
    // All of them, before the drain begins: a bare listener resets what it has not accepted yet.
    while ((await server.ask('usage')).requests < (kind === 'idle' ? IDLE : BUSY)) await sleep(10)
    const before = await clients.seen()
    const drained = server.ask('drain', { hold: kind === 'busy' ? HOLD : 0 }, AT_MOST)
    // Some peers end the process: their figures are the last line that they wrote.
    const { ms, stall, stallCpu, cpu } = await drained.catch(async (error) => {
      await Promise.race([server.exited, sleep(1_000)])
      const line = server.stdout.trim().split('\n').at(-1)
      if (line === '') throw error
      return JSON.parse(line)
    })
    await sleep(100)
    return {
      ms,
      stall,
      stallCpu,
      cpu: (cpu.user + cpu.system) / 1_000,
      answered: (await clients.seen()).answered - before.answered,
    }
  } finally {
    await server.kill()
    await clients.leave()
  }
}

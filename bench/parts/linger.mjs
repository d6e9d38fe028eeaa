// Clients that go on uploading at full speed after they were told 413: what it costs to read that away, so that they see the 413.
import { setTimeout as sleep } from 'node:timers/promises'
import { startServer } from '../child.mjs'
import { crowd } from '../crowd.mjs'

export const title = '500 clients uploading at full speed after an early 413'

const CLIENTS = 500
const EVERY = 100

export async function run({ hosts, variants, quick }, say) {
  const samples = quick ? 30 : 40
  const clients = await crowd(CLIENTS)
  const rows = []
  try {
    for (const host of hosts) {
      for (const variant of ['bare', 'halfclose'].filter((name) => variants.includes(name))) {
        const row = { host, variant, clients: CLIENTS, ...(await measure(host, variant, clients, samples)) }
        rows.push(row)
        say(
          `${host}, ${variant}: ${row.answered} saw the answer; RSS ${Math.round(row.lowest)} to ${Math.round(row.highest)} MB, ${row.cores.toFixed(2)} cores`,
        )
      }
    }
  } finally {
    await clients.kill()
  }
  return {
    settings: { clients: CLIENTS, seconds: (samples * EVERY) / 1_000 },
    rows,
    note: 'Bare, the connections are reset at once: nothing is taken, and most clients never see the answer. Lowest and highest: after the first second.',
  }
}

async function measure(host, variant, clients, samples) {
  const server = await startServer(host, variant)
  try {
    const { rss: before } = await server.ask('memory')
    // All of them are there before the first one sends: on a busy loop Node accepts one connection a turn.
    await clients.open(server.port, CLIENTS, undefined, { halfOpen: true })
    while ((await server.ask('open')) < CLIENTS) await sleep(20)
    await clients.upload()
    await sleep(1_000)
    const from = { usage: await server.ask('usage'), ...(await clients.seen()) }
    const resident = []
    for (let sample = 0; sample < samples; sample++) {
      await sleep(EVERY)
      resident.push((await server.ask('rss')) / 1e6)
    }
    const usage = await server.ask('usage')
    const { answered, sent, open } = await clients.seen()
    const ms = usage.at - from.usage.at
    return {
      answered,
      open: Math.min(open, await server.ask('open')),
      before: before / 1e6,
      lowest: Math.min(...resident),
      highest: Math.max(...resident),
      cores: (usage.user + usage.system - from.usage.user - from.usage.system) / 1_000 / ms,
      megabytesPerSecond: (sent - from.sent) / 1e3 / ms,
    }
  } finally {
    await server.kill()
    await clients.leave()
  }
}

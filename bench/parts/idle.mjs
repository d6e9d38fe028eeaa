// What an idle connection costs in memory.
import { startServer } from '../child.mjs'
import { crowd } from '../crowd.mjs'
import { median, spread } from '../stats.mjs'
import { labelOf } from '../variants.mjs'

export const title = 'Memory per idle connection'

const WARM = 500

export async function run({ hosts, variants, quick }, say) {
  const count = 10_000
  const clients = await crowd(count)
  const rows = []
  try {
    for (const host of hosts) {
      let bare
      for (const variant of variants.filter((name) => name !== 'again')) {
        const ours = variant === 'bare' || variant === 'halfclose' || variant === 'counting'
        // A peer sees the server, and not the framework.
        if (!ours && host !== hosts[0]) continue
        const runs = []
        for (let run = 0; run < (ours ? (quick ? 2 : 3) : 1); run++) runs.push(await measure(host, variant, count, clients))
        const heap = spread(runs.map(({ heap }) => heap))
        const rss = spread(runs.map(({ rss }) => rss))
        if (variant === 'bare') bare = { heap: heap.median, rss: rss.median }
        rows.push({
          host,
          variant,
          heap,
          rss,
          heapOverBare: bare && heap.median - bare.heap,
          rssOverBare: bare && rss.median - bare.rss,
        })
        say(
          `${host}, ${labelOf(variant)}: ${Math.round(median(runs.map(({ heap }) => heap)))} bytes of heap, ${Math.round(rss.median)} of RSS`,
        )
      }
    }
  } finally {
    await clients.kill()
  }
  return { settings: { connections: count }, rows }
}

async function measure(host, variant, count, clients) {
  const server = await startServer(host, variant)
  try {
    // What the first connections bring (code, caches, the size of Node's own tables) is not theirs.
    await clients.open(server.port, WARM, '/')
    await clients.leave()
    const before = await server.ask('memory')
    await clients.open(server.port, count, '/')
    const open = await server.ask('open')
    if (open !== count) throw new Error(`${open} connections are open instead of ${count}`)
    const after = await server.ask('memory')
    await clients.leave()
    return { heap: (after.heap - before.heap) / count, rss: (after.rss - before.rss) / count }
  } finally {
    await server.kill()
  }
}

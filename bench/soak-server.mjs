// The process that lives many lives: a host each, governed, drained and forgotten.
import { setTimeout as sleep } from 'node:timers/promises'
import { answerBy } from './answers.mjs'
import { start, variantOf } from './hosts.mjs'

let current

const commands = {
  async live({ host }) {
    let release = () => {}
    const released = new Promise((resolve) => {
      release = resolve
    })
    const variant = variantOf('halfclose', { keepAlive: { maxRequests: 1_000 }, drain: { idle: 300 } })
    current = { ...(await start(host, variant, { seen: () => {}, hold: () => released })), release }
    return { port: current.server.address().port }
  },
  async drain() {
    const { stop, release, connections } = current
    setTimeout(release, 100)
    await stop()
    const seen = connections.stats()
    current = undefined
    return seen
  },
  async memory() {
    for (let round = 0; round < 4; round++) {
      globalThis.gc()
      await sleep(20)
    }
    const { heapUsed, rss } = process.memoryUsage()
    return { heap: heapUsed, rss, handles: process.getActiveResourcesInfo().length }
  },
}

answerBy(commands)
process.send({ up: true })

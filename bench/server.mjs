// One host with one variant, in a process of its own: serves, and reports on itself when its parent asks.
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { answerBy } from './answers.mjs'
import { start, variantOf } from './hosts.mjs'

const [host, variant, given] = process.argv.slice(2)
/** `keepFor`: ms for which an idle connection is kept, if not what the host does by default. halfclose promises 5 s of them. */
const { keepFor, ...options } = JSON.parse(given ?? '{}')
const keepAlive = keepFor === undefined ? undefined : { timeout: Math.min(keepFor, 5_000), hold: Math.max(keepFor, 6_000) }

let requests = 0
/** The request at which somebody wants to look at the clock. */
let mark = -1
let onMark = () => {}
const atRequest = (number) =>
  new Promise((resolve) => {
    mark = number
    onMark = () => resolve(snapshot())
  })

let release = () => {}
const released = new Promise((resolve) => {
  release = resolve
})

const { server, connections, stop } = await start(host, variantOf(variant, { ...options, keepAlive }), {
  seen() {
    if (++requests === mark) onMark()
  },
  hold: () => released,
})

if (keepFor !== undefined) server.keepAliveTimeout = keepFor

/**
 * The longest time, and the most CPU time, between two turns of a timer of one millisecond: a busy machine's own share is in the first. The CPU time of a process is
 * that of all its threads. Those of V8 (garbage collection, compilation) do not stall the loop, so at most the time between the two turns counts.
 */
const stall = {
  longest: 0,
  cpu: 0,
  last: snapshot(),
  watch() {
    this.longest = 0
    this.cpu = 0
    this.last = snapshot()
    clearInterval(this.timer)
    this.timer = setInterval(() => this.look(), 1).unref()
  },
  look() {
    const now = snapshot()
    const { ms, user, system } = difference(this.last, now)
    this.longest = Math.max(this.longest, ms)
    this.cpu = Math.max(this.cpu, Math.min(ms, (user + system) / 1_000))
    this.last = now
    return this.longest
  },
}

const commands = {
  /** CPU time over exactly `count` requests, after `skip` others. */
  async window({ skip, count }) {
    const from = skip > 0 ? await atRequest(requests + skip) : snapshot()
    const to = await atRequest(requests + count)
    return difference(from, to)
  },
  usage: () => ({ ...snapshot(), requests }),
  async memory() {
    // Several times: what a finalizer lets go is collected by the next one.
    for (let round = 0; round < 4; round++) {
      globalThis.gc()
      await sleep(20)
    }
    const { heapUsed, rss, external } = process.memoryUsage()
    return { heap: heapUsed, rss, external }
  },
  rss: () => process.memoryUsage.rss(),
  open: () => new Promise((resolve, reject) => server.getConnections((error, open) => (error ? reject(error) : resolve(open)))),
  stats: () => connections?.stats(),
  watchStalls: () => stall.watch(),
  stall: () => stall.look(),
  release: () => release(),
  async drain({ hold = 0 }) {
    stall.watch()
    const began = performance.now()
    const seen = snapshot()
    const result = (report) => ({
      ms: performance.now() - began,
      stall: stall.look(),
      stallCpu: stall.cpu,
      cpu: difference(seen, snapshot()),
      rescued: report?.requests?.rescued,
    })
    // Some peers end the process: what it has to say must be written at once.
    process.on('exit', () => writeSync(1, `${JSON.stringify(result())}\n`))
    if (hold > 0) setTimeout(release, hold)
    return result(await stop())
  },
}

function snapshot() {
  return { at: performance.now(), ...process.cpuUsage() }
}

function difference(from, to) {
  return { ms: to.at - from.at, user: to.user - from.user, system: to.system - from.system }
}

answerBy(commands)
process.send({ port: server.address().port })

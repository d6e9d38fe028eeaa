import { execFile, execFileSync } from 'node:child_process'
import path from 'node:path'
import { where } from '../support/where.js'
import type { Kind } from './accounting.mjs'

// Bad links, each in a network namespace of its own, which only this test's processes see.
const isLong = process.env.HALFCLOSE_FAULTS === 'long'
const kinds: Kind[] = isLong ? ['http', 'https', 'express', 'fastify', 'h2'] : ['http']
const PROGRAM = path.join(__dirname, 'network.mjs')

interface Link {
  name: string
  link?: string[][]
  settings?: Record<string, string>
  /** Milliseconds for which the link is gone. */
  away?: number | 'for ever'
  options?: object
  /** Only where there is time. */
  long?: boolean
}

const netem = (...how: string[]): string[][] => [['tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', ...how]]

const links: Link[] = [
  { name: 'a delay of 50 ms', link: netem('delay', '50ms', '10ms') },
  { name: '3 % of the packets lost', link: netem('loss', '3%') },
  { name: 'packets out of order', link: netem('delay', '10ms', 'reorder', '25%', '50%'), long: true },
  { name: 'packets twice', link: netem('duplicate', '10%'), long: true },
  {
    name: 'a rate of 64 kbit/s',
    link: [['tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'tbf', 'rate', '64kbit', 'burst', '3000', 'latency', '2s']],
    settings: { tcp_wmem: '4096 16384 65536' },
    long: true,
  },
  { name: 'an MTU of 576', link: [['ip', 'link', 'set', 'lo', 'mtu', '576']] },
  { name: 'buffers of 4 kB', settings: { tcp_wmem: '4096 4096 4096', tcp_rmem: '4096 4096 4096' } },
  { name: 'a link that goes away and comes back', away: isLong ? 10_000 : 1_000 },
  {
    // TCP probes find idle clients that are out of reach; `limits.stalled` finds those that do not take an answer; `hold` ends those whose answer the kernel holds.
    name: 'a link that goes away for ever',
    away: 'for ever',
    options: {
      keepAlive: { timeout: 1_000, hold: 25_000 },
      tcp: { keepAlive: 1_000 },
      limits: { stalled: 3_000 },
      http2: { stalled: 3_000 },
    },
    long: true,
  },
]

/** Why there is no namespace, if there is none. */
function obstacle(): string | undefined {
  try {
    execFileSync('unshare', ['-rn', 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'pipe' })
    return undefined
  } catch (error) {
    return String(error)
  }
}

const why = process.platform === 'linux' ? obstacle() : 'there are no namespaces but on Linux'
const namespace = where(why === undefined, why ?? '')

namespace.test.each(links.filter(({ long }) => isLong || long !== true))(
  `over $name nothing is lost without a word${namespace.note}`,
  async ({ name, ...link }) => {
    await Promise.all(
      kinds.map(async (kind) => {
        const setup = { kind, link: [], away: 0, settings: {}, options: {}, serving: isLong ? 5_000 : 500, ...link }
        const printed = await new Promise<string>((resolve, reject) => {
          execFile(
            'unshare',
            ['-rn', process.execPath, PROGRAM, JSON.stringify(setup)],
            { timeout: 150_000 },
            (error, stdout, stderr) => {
              if (error) reject(new Error(`${error.message}\n${stderr}`))
              else resolve(stdout)
            },
          )
        })
        const { skipped, report, left, emptied, verdict } = JSON.parse(printed)
        if (skipped !== undefined) {
          process.stderr.write(`skipped, since this kernel has no such link (${name}): ${skipped}\n`)
          return
        }
        expect({ report, left, verdict }).toMatchObject({
          report: { clean: true },
          left: 0,
          verdict: { wrong: [], ...(link.away === 'for ever' ? {} : { cutAfterRun: 0 }) },
        })
        expect(verdict.answered).toBeGreaterThan(0)
        if (link.away === 'for ever')
          console.log(`${kind}: the last client that was out of reach was let go after ${Math.round(emptied)} ms`)
      }),
    )
  },
  180_000,
)

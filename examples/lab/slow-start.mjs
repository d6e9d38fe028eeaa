/** Slow start: how much a connection may have under way grows with what was acknowledged, and shrinks when it rests. */
import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.mjs'
import { isolated } from './namespace.mjs'
import { serve } from './server.mjs'
import { count } from './table.mjs'

export const about = 'slow start: the congestion window of a fresh, a warm and a rested connection'

/** @typedef {{ moment: string, algorithm: string, cwnd: number, mss: number }} Look */
/** @typedef {{ moment: string, looks: Look[] }} Row */

const reno = [
  'ip',
  'route',
  'replace',
  'local',
  '127.0.0.1',
  'dev',
  'lo',
  'src',
  '127.0.0.1',
  'table',
  'local',
  'congctl',
  'reno',
]

/**
 * @param {{ sizes?: number[], rest?: number, response?: number }} parameters
 * @param {import('./table.mjs').Say} say
 * @returns {Promise<import('./table.mjs').Findings<Row>>}
 */
export async function run({ sizes = [10_000, 100_000, 1_000_000], rest = 1_500, response = 100_000 }, say) {
  /** @type {Look[][]} */
  const series = []
  // Segments as on a network: those of loopback hold 64 KiB. And Linux's own algorithm for every machine, next to the one set up here.
  for (const commands of [[reno], []]) {
    say(`with ${commands.length > 0 ? 'reno' : "this machine's algorithm"}`)
    const outcome = await isolated({
      module: './slow-start.mjs',
      task: 'watch',
      parameters: { sizes, rest },
      commands: [['ip', 'link', 'set', 'lo', 'mtu', '1500'], ['ss', '-V'], ...commands],
    })
    if ('unavailable' in outcome) return withoutNamespace(outcome.unavailable)
    series.push(outcome.result)
  }
  if (series[0]?.[0]?.algorithm === series[1]?.[0]?.algorithm) series.pop()
  const rows = (series[0] ?? []).map(({ moment }, index) => ({
    moment,
    looks: series.map((looks) => /** @type {Look} */ (looks[index])),
  }))
  const [fresh, warm, rested] = /** @type {[Look, Look, Look]} */ (
    [0, sizes.length, sizes.length + 1].map((index) => rows[index]?.looks[0])
  )
  return {
    setup:
      "The server's congestion window (`ss -ti`) on one kept connection, in a network namespace with an MTU of 1,500: segments that may be under way before an ACK must " +
      `come, and the round trips that a response of ${count(response)} bytes takes at that (worked out from it, not timed: loopback has no distance).`,
    columns: [
      ['', ({ moment }) => moment],
      ...series.flatMap((looks, index) => {
        const algorithm = looks[0]?.algorithm ?? ''
        return /** @type {import('./table.mjs').Column<Row>[]} */ ([
          [`${algorithm}: segments`, (row) => count(row.looks[index]?.cwnd ?? 0)],
          ['round trips', (row) => roundTrips(/** @type {Look} */ (row.looks[index]), response)],
        ])
      }),
    ],
    rows,
    shows:
      `A fresh connection begins with ${fresh.cwnd} segments, so that ${count(response)} bytes take ${roundTrips(fresh, response)} round trips; one that has sent much takes ` +
      `${roundTrips(warm, response)}. That is what reuse saves besides the handshake. After a rest reno is at ${rested.cwnd} segments again, ` +
      'as long as `net.ipv4.tcp_slow_start_after_idle` is 1: a long `keepAlive.hold` then saves the handshake, but not the window.',
  }
}

/** The window doubles with every round trip. @param {Look} look @param {number} bytes */
export function roundTrips({ cwnd, mss }, bytes) {
  let trips = 0
  for (let sent = 0, window = cwnd * mss; sent < bytes; window *= 2, trips++) sent += window
  return trips
}

/** @param {string} why @returns {import('./table.mjs').Findings<Row>} */
function withoutNamespace(why) {
  return {
    setup:
      'The window is read with `ss -ti` in a network namespace, where segments can have the size that they have on a network.',
    columns: [],
    rows: [],
    notes: [`Not shown here: this machine has no such namespace, or no ip and ss (${why}).`],
    shows: '',
  }
}

/** @param {{ sizes: number[], rest: number }} parameters @returns {Promise<Look[]>} */
export async function watch({ sizes, rest }) {
  const server = await serve((request, response) => {
    const bytes = Number(request.url?.slice(1))
    response.setHeader('Content-Length', bytes).end(Buffer.alloc(bytes))
  })
  const client = await Client.open(server.port)
  const looks = [look('fresh', server.port)]
  for (const bytes of sizes) {
    await client.get(`/${bytes}`)
    looks.push(look(`after ${count(bytes)} bytes`, server.port))
  }
  await sleep(rest)
  // The window is cut when something is sent again, not when the time has passed.
  await client.get('/10')
  looks.push(look(`after ${rest / 1_000} s of rest`, server.port))
  await client.close()
  const next = await Client.open(server.port)
  looks.push(look('the next connection', server.port))
  await next.close()
  await server.stop()
  return looks
}

/** @param {string} moment @param {number} port @returns {Look} */
function look(moment, port) {
  const seen = execFileSync('ss', ['-tinH', 'state', 'established', 'sport', '=', `:${port}`], { encoding: 'utf8' })
  const [, algorithm = '?'] = /^\t *(?:ts )?(?:sack )?(?:ecn )?(\w+)/m.exec(seen) ?? []
  const number = (/** @type {string} */ name) => Number(new RegExp(`\\b${name}:(\\d+)`).exec(seen)?.[1] ?? Number.NaN)
  return { moment, algorithm, cwnd: number('cwnd'), mss: number('mss') }
}

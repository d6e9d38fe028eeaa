/** The one too many: what a client sees, what it costs the application, and what is counted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from './client.mjs'
import { serve } from './server.mjs'
import { count } from './table.mjs'

export const about = 'limits on connections: one over the limit is answered, and counted'

/** @typedef {{ answered: number, refused: number, lost: number }} Seen */
/**
 * @typedef {{
 *   limits: string, clients: number, seen: Seen, ran: number, refused: number, kept: number, closedByLimit: number, promisesBroken: number
 * }} Row
 */
/** @typedef {{ limits: import('@halfclose/core').LimitsOptions, addresses?: number, keepAlive?: import('@halfclose/core').KeepAliveOptions }} Case */

/** @type {Case[]} */
const cases = [
  { limits: { connections: 4 } },
  { limits: { connections: 4, refuse: 'drop' } },
  { limits: { perClient: 2 }, addresses: 3 },
  { limits: { idle: 3 } },
  { limits: { idle: 3 }, keepAlive: { timeout: 0, hold: 5_000 } },
]

/**
 * @param {{ clients?: number, work?: number, settle?: number }} parameters
 * @param {import('./table.mjs').Say} say
 * @returns {Promise<import('./table.mjs').Findings<Row>>}
 */
export async function run({ clients = 12, work = 150, settle = 200 }, say) {
  const rows = []
  // Elsewhere loopback has one address only.
  for (const one of cases.filter(({ addresses }) => !addresses || process.platform === 'linux')) {
    say(describe(one))
    rows.push(await measure(one, { clients, work, settle }))
  }
  const [answer] = /** @type {[Row]} */ (/** @type {unknown} */ (rows))
  return {
    setup:
      `${clients} clients connect and ask at the same time; the handler takes ${work} ms; all of them keep their connection. Left: what the clients ` +
      'saw; then how often the handler ran, and the stats() once all is quiet.',
    columns: [
      ['', ({ limits }) => limits],
      ['200', ({ seen }) => count(seen.answered)],
      ['503', ({ seen }) => count(seen.refused)],
      ['cut', ({ seen }) => count(seen.lost)],
      ['handler ran', ({ ran }) => count(ran)],
      ['refused', ({ refused }) => count(refused)],
      ['open.idle', ({ kept }) => count(kept)],
      ['closes.limit', ({ closedByLimit }) => count(closedByLimit)],
      ['promisesBroken.limit', ({ promisesBroken }) => count(promisesBroken)],
    ],
    rows,
    shows:
      `The ${answer.seen.refused} too many could read a 503 with \`Retry-After\` and cost no handler; with \`refuse: 'drop'\` they saw a cut. \`limits.idle\` refuses no one: it ` +
      'closes what has been idle longest, and where that was still promised it is counted as a promise broken.',
  }
}

/** @param {Case} one @param {{ clients: number, work: number, settle: number }} parameters @returns {Promise<Row>} */
async function measure(one, { clients, work, settle }) {
  const { limits, addresses = 1, keepAlive } = one
  let ran = 0
  const server = await serve(
    async (_request, response) => {
      ran += 1
      await sleep(work)
      response.end('here you are')
    },
    { limits, keepAlive },
  )
  const seen = { answered: 0, refused: 0, lost: 0 }
  const all = Array.from(
    { length: clients },
    (_, index) => new Client(server.port, { localAddress: `127.0.0.${1 + (index % addresses)}` }),
  )
  await Promise.all(
    all.map(async (client) => {
      const answer = await client.get().catch(() => undefined)
      if (answer?.status === 200) seen.answered += 1
      else if (answer?.status === 503 && /\r\nretry-after: *\d/i.test(answer.head)) seen.refused += 1
      else seen.lost += 1
    }),
  )
  await sleep(settle)
  const { connections, open, closes, promisesBroken } = server.connections.stats()
  await Promise.all(all.map((client) => client.close()))
  await server.stop()
  return {
    limits: describe(one),
    clients,
    seen,
    ran,
    refused: connections.refused,
    kept: open.idle,
    closedByLimit: closes.limit ?? 0,
    promisesBroken: promisesBroken.limit ?? 0,
  }
}

/** @param {Case} one */
function describe({ limits, addresses, keepAlive }) {
  const written = Object.entries(limits).map(([name, value]) => `${name}: ${typeof value === 'string' ? `'${value}'` : value}`)
  return `${written.join(', ')}${addresses ? ` (${addresses} addresses)` : ''}${keepAlive ? ', nothing promised' : ''}`
}

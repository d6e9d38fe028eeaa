/** What a connection costs before the first byte of an answer: TCP's handshake, and TLS's. */
import { Client } from './client.mjs'
import { distance } from './distance.mjs'
import { answering, certificate, serve } from './server.mjs'
import { count, median, ms } from './table.mjs'

export const about = 'a new connection against a kept one: plain and with TLS'

/** @typedef {{ way: string, here: number, away: number, opened: number, reuse: number }} Row */
/** A way of asking once and again, and what to do when that was all. @typedef {{ once: (port: number) => Promise<void>, end?: () => Promise<void> | undefined }} Ask */

/**
 * @param {{ requests?: number, far?: number, oneWay?: number }} parameters
 * @param {import('./table.mjs').Say} say
 * @returns {Promise<import('./table.mjs').Findings<Row>>}
 */
export async function run({ requests = 100, far = 5, oneWay = 20 }, say) {
  const rows = []
  for (const tls of [false, true]) {
    const ca = tls ? certificate().cert : undefined
    const ways = /** @type {[string, () => Ask][]} */ ([
      ['a new connection each', () => fresh(ca)],
      ['one kept connection', () => kept(ca)],
    ])
    for (const [name, make] of ways) {
      const way = `${tls ? 'https' : 'http'}: ${name}`
      say(way)
      rows.push(await measure(way, tls, make, { requests, far, oneWay }))
    }
  }
  const [fresh1, kept1, tls] = /** @type {[Row, Row, Row]} */ (/** @type {unknown} */ (rows))
  return {
    setup:
      `GET of 200 bytes, ms until it is there, median: of ${requests} here on loopback, and of ${far} with ${oneWay} ms each way (a delaying proxy in ` +
      "user space: TCP's round trip is imitated, TLS's are real). Each after one to warm up; client and server share a process; opened, reuse: the server's stats() here.",
    columns: [
      ['', ({ way }) => way],
      ['ms here', ({ here }) => ms(here)],
      [`ms, ${oneWay} ms away`, ({ away }) => ms(away)],
      ['opened', ({ opened }) => count(opened)],
      ['reuse', ({ reuse }) => reuse.toFixed(1)],
    ],
    rows,
    shows:
      `A request on a kept connection is one round trip (${ms(kept1.away)} ms), a new connection makes it two (${ms(fresh1.away)} ms), TLS 1.3 ` +
      `three (${ms(tls.away)} ms). Without a distance what is left is work: a new TLS connection takes ${(tls.here / kept1.here).toFixed(0)} times as long as a request on a kept one.`,
  }
}

/**
 * @param {string} way
 * @param {boolean} tls
 * @param {() => Ask} make
 * @param {{ requests: number, far: number, oneWay: number }} parameters
 * @returns {Promise<Row>}
 */
async function measure(way, tls, make, { requests, far, oneWay }) {
  const near = await serve(answering(200), {}, { tls })
  const here = await timed(make(), near.port, requests)
  const { connections, reuse } = await near.stats()
  await near.stop()
  const distant = await serve(answering(200), {}, { tls })
  const proxy = await distance(distant.port, oneWay)
  const away = await timed(make(), proxy.port, far)
  proxy.stop()
  await distant.stop()
  return { way, here, away, opened: connections.opened, reuse }
}

/** @param {Ask} ask @param {number} port @param {number} times */
async function timed({ once, end }, port, times) {
  await once(port)
  const all = []
  for (let request = 0; request < times; request++) {
    const begun = performance.now()
    await once(port)
    all.push(performance.now() - begun)
  }
  await end?.()
  return median(all)
}

/** @param {Buffer | undefined} ca @returns {Ask} */
function fresh(ca) {
  return {
    once: async (port) => {
      const client = new Client(port, { ca })
      await client.get()
      void client.close()
    },
  }
}

/** @param {Buffer | undefined} ca @returns {Ask} */
function kept(ca) {
  /** @type {Client | undefined} */
  let client
  return {
    once: async (port) => {
      client ??= new Client(port, { ca })
      await client.get()
    },
    end: () => client?.close(),
  }
}

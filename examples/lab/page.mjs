/** A page and its objects, fetched in five ways: what a connection costs, and what reuse saves. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, fetchOnce } from './client.mjs'
import { distance } from './distance.mjs'
import { serve } from './server.mjs'
import { count, median, ms } from './table.mjs'

export const about = 'a page and its objects: serial, parallel, persistent, pipelined'

/** @typedef {(port: number, paths: string[], width: number) => Promise<void>} Way */
/** @typedef {{ way: string, ms: number, requests: number, opened: number, reuse: number, server: number, peer: number }} Row */

/** @type {(width: number) => [string, Way][]} */
const waysWith = (width) => [
  ['serial, each on a new connection', (port, paths) => eachNew(port, paths, 1)],
  [`${width} in parallel, each on a new connection`, (port, paths, width) => eachNew(port, paths, width)],
  ['persistent, one connection', (port, paths) => kept(port, paths, 1)],
  [`persistent, ${width} connections`, (port, paths, width) => kept(port, paths, width)],
  ['pipelined, one connection', pipelined],
]

/**
 * @param {{ objects?: number, oneWay?: number, width?: number, work?: number, repeat?: number }} parameters
 * @param {import('./table.mjs').Say} say
 * @returns {Promise<import('./table.mjs').Findings<Row>>}
 */
export async function run({ objects = 20, oneWay = 20, width = 6, work = 5, repeat = 3 }, say) {
  const paths = ['/', ...Array.from({ length: objects }, (_, index) => `/object/${index}`)]
  const rows = []
  for (const [name, way] of waysWith(width)) {
    say(name)
    rows.push(await measure(name, (port) => way(port, paths, width), { oneWay, work, repeat }))
  }
  const [serial, , one] = /** @type {[Row, Row, Row]} */ (/** @type {unknown} */ (rows))
  return {
    setup:
      `One page, then its ${objects} objects, from a server ${oneWay} ms away (each way, by a delaying proxy in user space; a handshake ` +
      `is one round trip of it). The handler takes ${work} ms for each. ms: median of ${repeat}; the rest: the server's stats() of one page.`,
    columns: [
      ['', ({ way }) => way],
      ['ms', (row) => ms(row.ms)],
      ['opened', (row) => count(row.opened)],
      ['reuse', (row) => row.reuse.toFixed(1)],
      ['closedFirst.server', (row) => count(row.server)],
      ['closedFirst.peer', (row) => count(row.peer)],
    ],
    rows,
    shows:
      `Of the ${ms(serial.ms)} ms that serial fetches take, ${ms(serial.ms - one.ms)} are handshakes that one kept connection does not ` +
      `need: \`reuse\` is ${one.reuse.toFixed(1)} instead of ${serial.reuse.toFixed(1)}. Connections in parallel buy time with connections; pipelining needs ` +
      'neither, and still the server runs the requests one after another.',
  }
}

/**
 * @param {string} way
 * @param {(port: number) => Promise<void>} fetchPage
 * @param {{ oneWay: number, work: number, repeat: number }} parameters
 * @returns {Promise<Row>}
 */
async function measure(way, fetchPage, { oneWay, work, repeat }) {
  const times = []
  let stats
  for (let round = 0; round < repeat; round++) {
    const server = await serve(async (_request, response) => {
      await sleep(work)
      response.setHeader('Content-Length', 200).end('x'.repeat(200))
    })
    const far = await distance(server.port, oneWay)
    const begun = performance.now()
    await fetchPage(far.port)
    times.push(performance.now() - begun)
    stats = await server.stats()
    far.stop()
    await server.stop()
  }
  if (!stats) throw new RangeError('repeat must be at least 1')
  const { server, peer } = stats.closedFirst
  return {
    way,
    ms: median(times),
    requests: stats.requests.finished,
    opened: stats.connections.opened,
    reuse: stats.reuse,
    server,
    peer,
  }
}

/** The page first: it names the objects. @param {number} port @param {string[]} paths @param {number} width */
async function eachNew(port, [page, ...objects], width) {
  await fetchOnce(port, page)
  await inParallel(width, async () => {
    for (let path = objects.shift(); path !== undefined; path = objects.shift()) await fetchOnce(port, path)
  })
}

/** @param {number} port @param {string[]} paths @param {number} width */
async function kept(port, [page, ...objects], width) {
  const first = new Client(port)
  await first.get(page)
  const clients = [first, ...Array.from({ length: Math.min(width, objects.length) - 1 }, () => new Client(port))]
  await inParallel(clients.length, async (index) => {
    for (let path = objects.shift(); path !== undefined; path = objects.shift()) await clients[index]?.get(path)
  })
  leave(clients)
}

/** @type {Way} */
async function pipelined(port, [page, ...objects]) {
  const client = new Client(port)
  await client.get(page)
  await Promise.all(objects.map((path) => client.get(path)))
  leave([client])
}

/** The page is there: nobody waits for the close. @param {Client[]} clients */
function leave(clients) {
  for (const client of clients) void client.close()
}

/** @param {number} width @param {(index: number) => Promise<void>} task */
async function inParallel(width, task) {
  await Promise.all(Array.from({ length: width }, (_, index) => task(index)))
}

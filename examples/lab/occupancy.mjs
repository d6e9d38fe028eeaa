/** To close connections since the server is busy: what it would cost the busy server. */
import { Client } from './client.mjs'
import { answering, certificate, serve } from './server.mjs'
import { count } from './table.mjs'

export const about = 'closing connections because the server is busy: each comes back, and costs more'

/** @typedef {{ tls: boolean, share: number, requests: number, opened: number, cpu: number }} Row */

/** The part of the responses that say close. */
const SHARES = [0, 0.3, 1]

/**
 * @param {{ clients?: number, requests?: number }} parameters
 * @param {import('./table.mjs').Say} say
 * @returns {Promise<import('./table.mjs').Findings<Row>>}
 */
export async function run({ clients = 20, requests = 100 }, say) {
  // Code that has not run yet is slow, whatever it does.
  for (const tls of [false, true]) await measure({ tls, share: 1, clients, requests: Math.ceil(requests / 4) })
  const rows = []
  for (const tls of [false, true]) {
    for (const share of SHARES) {
      say(describe({ tls, share }))
      rows.push(await measure({ tls, share, clients, requests }))
    }
  }
  return {
    setup:
      `${clients} clients send ${requests} requests each, one after another, and keep their connection as long as they may. A part of the responses says \`Connection: close\`, as a server would ` +
      'that wants to get rid of connections while it is busy. CPU: of server and clients together, which are one process here.',
    columns: [
      ['', describe],
      ['requests', ({ requests: n }) => count(n)],
      ['opened', ({ opened }) => count(opened)],
      ['µs of CPU per request', ({ cpu }) => count(Math.round(cpu))],
    ],
    rows,
    shows: shows(rows),
  }
}

/** @param {Row[]} rows */
function shows(rows) {
  const factor = (/** @type {boolean} */ tls) => {
    const cpu = (/** @type {number} */ share) => rows.find((row) => row.tls === tls && row.share === share)?.cpu ?? 0
    return (cpu(0.3) / cpu(0)).toFixed(1)
  }
  return (
    `A client whose connection was closed comes back with its next request. With \`close\` on 30 % of the responses a request costs ${factor(false)} times the CPU, and ${factor(true)} times over TLS: ` +
    'a busy server gets busier by closing.'
  )
}

/** @param {{ tls: boolean, share: number, clients: number, requests: number }} parameters @returns {Promise<Row>} */
async function measure({ tls, share, clients, requests }) {
  let answered = 0
  const answer = answering(100)
  const server = await serve(
    (request, response) => {
      // Evenly, so that the figure is the same each time.
      if (Math.floor(++answered * share) > Math.floor((answered - 1) * share)) response.setHeader('Connection', 'close')
      answer(request, response)
    },
    {},
    { tls },
  )
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: clients }, () => visit(server.port, tls ? certificate().cert : undefined, requests)))
  const { user, system } = process.cpuUsage(before)
  const { connections } = await server.stats()
  await server.stop()
  return { tls, share, requests: clients * requests, opened: connections.opened, cpu: (user + system) / (clients * requests) }
}

/** @param {number} port @param {Buffer | undefined} ca @param {number} requests */
async function visit(port, ca, requests) {
  /** @type {Client | undefined} */
  let client
  for (let n = 0; n < requests; n++) {
    client ??= new Client(port, { ca })
    const { head } = await client.get()
    if (!/\r\nconnection: close/i.test(head)) continue
    await client.close()
    client = undefined
  }
  await client?.close()
}

/** @param {{ tls: boolean, share: number }} row */
function describe({ tls, share }) {
  return `${tls ? 'TLS' : 'TCP'}, close on ${Math.round(share * 100)} %`
}

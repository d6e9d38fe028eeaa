/** Port exhaustion: a client that closes first and never reuses runs out of ports; here with twenty of them. */
import { Client } from './client.mjs'
import { isolated } from './namespace.mjs'
import { answering, serve } from './server.mjs'
import { countTimeWait, setting } from './sockets.mjs'
import { count } from './table.mjs'

export const about = 'port exhaustion, with few ports'

const hows = /** @type {const} */ (['client closes first', 'server closes first', 'one kept connection'])
/** @typedef {typeof hows[number]} How */
/** @typedef {{ how: How, answered: number, error: string, held: { server: number, client: number }, first: { server: number, peer: number } }} Row */

/**
 * @param {{ ports?: number, requests?: number }} parameters
 * @param {import('./table.mjs').Say} say
 * @returns {Promise<import('./table.mjs').Findings<Row>>}
 */
export async function run({ ports = 20, requests = 60 }, say) {
  /** @type {Row[]} */
  const rows = []
  for (const how of hows) {
    say(how)
    // On loopback alone Linux gives a port in TIME_WAIT out again after a second (tcp_tw_reuse 2); across a network it does not.
    const settings = { ip_local_port_range: `40000 ${40_000 + ports - 1}`, tcp_tw_reuse: '0' }
    const outcome = await isolated({ module: './ports.mjs', task: 'exhaust', parameters: { how, requests }, settings })
    if ('unavailable' in outcome) return withoutNamespace(outcome.unavailable)
    rows.push(outcome.result)
  }
  return {
    setup:
      `${requests} requests one after another to one server, by a client with ${ports} ports: in a network namespace of its own, with ` +
      '`ip_local_port_range` that small, and without the exception that Linux makes on loopback (`tcp_tw_reuse` 0).',
    columns: [
      ['', ({ how }) => how],
      ['answered', ({ answered }) => count(answered)],
      ['then', ({ error }) => error || '–'],
      ['closedFirst.server', ({ first }) => count(first.server)],
      ['closedFirst.peer', ({ first }) => count(first.peer)],
      ['TIME_WAIT: server', ({ held }) => count(held.server)],
      ['client', ({ held }) => count(held.client)],
    ],
    rows,
    shows:
      `A port in TIME_WAIT on the client's side is not given out again for 60 s: after ${ports} connections there is none left. What the server's side ` +
      `holds stops nobody: a new SYN from the same port takes its place (RFC 6191). ${arithmetic()}`,
  }
}

/** @param {string} why @returns {import('./table.mjs').Findings<Row>} */
function withoutNamespace(why) {
  return {
    setup: 'A client with few ports needs a network namespace of its own.',
    columns: [],
    rows: [],
    notes: [`Not shown here: there is none (${why}).`],
    shows: arithmetic(),
  }
}

function arithmetic() {
  const [low, high] = setting('ip_local_port_range') ?? [32_768, 60_999]
  const ports = (high ?? 0) - (low ?? 0) + 1
  return (
    `With this machine's ${count(ports)} (${low} to ${high}) that is ${Math.floor(ports / 60)} new connections a second ` +
    'to one address and port, for a proxy that closes first. With reuse it is no limit at all.'
  )
}

/** @param {{ how: How, requests: number }} parameters @returns {Promise<Row>} */
export async function exhaust({ how, requests }) {
  // On a port that is none of the client's.
  const server = await serve(answering(200), {}, { port: 8080 })
  const inTimeWait = countTimeWait(server.port)
  let answered = 0
  let error = ''
  const kept = how === 'one kept connection' ? new Client(server.port) : undefined
  try {
    for (; answered < requests; answered++) {
      const client = kept ?? new Client(server.port)
      await client.get('/', { close: how === 'server closes first' })
      if (how === 'client closes first') await client.close()
      else if (how === 'server closes first') await client.closed
    }
  } catch (reason) {
    error = /** @type {NodeJS.ErrnoException} */ (reason).code ?? String(reason)
  }
  await kept?.close()
  const { closedFirst } = await server.stats()
  const held = inTimeWait() ?? { server: 0, client: 0 }
  await server.stop()
  return { how, answered, error, held, first: { ...closedFirst } }
}

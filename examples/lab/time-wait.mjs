/** Who closes first keeps TIME_WAIT: for a minute, for every connection. */
import { Client, fetchOnce } from './client.mjs'
import { answering, serve } from './server.mjs'
import { countTimeWait } from './sockets.mjs'
import { count } from './table.mjs'

export const about = 'TIME_WAIT by who closes first'

/** @typedef {{ how: string, options?: import('@halfclose/core').Options, ask: (port: number, requests: number) => Promise<void> }} Case */
/** @typedef {{ how: string, opened: number, first: { server: number, peer: number }, held: { server: number, client: number } | undefined }} Row */

/** @type {Case[]} */
const cases = [
  {
    how: 'server: keepAlive: false',
    options: { keepAlive: false },
    ask: (port, requests) =>
      inTurn(requests, async () => {
        const client = new Client(port)
        await client.get()
        await client.closed
      }),
  },
  {
    how: 'client asks for Connection: close',
    ask: (port, requests) => inTurn(requests, async () => void (await fetchOnce(port))),
  },
  {
    how: 'client keeps, and closes when it has its answer',
    ask: (port, requests) =>
      inTurn(requests, async () => {
        const client = new Client(port)
        await client.get()
        await client.close()
      }),
  },
  {
    how: 'client keeps, the server closes after keepAlive.hold',
    // 0: no promise, so that the least hold is a second.
    options: { keepAlive: { timeout: 0, hold: 1_000 } },
    ask: async (port, requests) => {
      const clients = Array.from({ length: requests }, () => new Client(port))
      await Promise.all(clients.map((client) => client.get()))
      await Promise.all(clients.map(({ closed }) => closed))
    },
  },
  {
    how: 'client resets',
    ask: (port, requests) =>
      inTurn(requests, async () => {
        const client = new Client(port)
        await client.get()
        await client.reset()
      }),
  },
  {
    how: 'one connection for all of them, client closes',
    ask: async (port, requests) => {
      const client = new Client(port)
      await inTurn(requests, async () => void (await client.get()))
      await client.close()
    },
  },
]

/**
 * @param {{ requests?: number }} parameters
 * @param {import('./table.mjs').Say} say
 * @returns {Promise<import('./table.mjs').Findings<Row>>}
 */
export async function run({ requests = 50 }, say) {
  /** @type {Row[]} */
  const rows = []
  for (const { how, options, ask } of cases) {
    say(how)
    const server = await serve(answering(200), options)
    const held = countTimeWait(server.port)
    await ask(server.port, requests)
    const { connections, closedFirst } = await server.stats()
    rows.push({ how, opened: connections.opened, first: { ...closedFirst }, held: held() })
    await server.stop()
  }
  return {
    setup: `${requests} requests in each row; then the server's stats(), and the entries in TIME_WAIT that /proc/net/tcp shows, by the side that holds them.`,
    columns: [
      ['', ({ how }) => how],
      ['opened', ({ opened }) => count(opened)],
      ['closedFirst.server', ({ first }) => count(first.server)],
      ['closedFirst.peer', ({ first }) => count(first.peer)],
      ['TIME_WAIT: server', ({ held }) => (held ? count(held.server) : '?')],
      ['client', ({ held }) => (held ? count(held.client) : '?')],
    ],
    rows,
    notes: rows.some(({ held }) => held === undefined)
      ? ['No /proc/net/tcp on this system: TIME_WAIT cannot be counted here.']
      : [],
    shows:
      'TIME_WAIT stays with the side that closed first, as `closedFirst` counts it, and it is the server whenever a response says `Connection: close`, also where ' +
      'the client asked for it. A reset leaves none, and is counted under `peer`. Reuse is what makes it go away.',
  }
}

/** @param {number} times @param {() => Promise<void>} task */
async function inTurn(times, task) {
  for (let turn = 0; turn < times; turn++) await task()
}

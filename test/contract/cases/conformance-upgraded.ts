import { deepEqual, equal, ok } from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { CloseEvent, UpgradeEvent } from '@halfclose/core'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closesWith } from '../../support/expect.js'
import type { Host } from '../../support/host.js'
import { ask, get } from '../../support/requests.js'
import { Arrivals, pass, until, within } from '../../support/wait.js'
import { echo, tunnelSays, upgradeTo } from './gate-special.js'

/** The two ways in which a connection becomes another protocol's. */
const kinds = [
  {
    event: 'upgrade',
    name: 'an upgraded connection',
    asks: upgradeTo('/chat?token=secret'),
    status: 101,
    held: ['GET', '/chat'],
    protocol: 'echo',
  },
  {
    event: 'connect',
    name: 'a CONNECT tunnel',
    asks: ask('CONNECT', 'a:1'),
    status: 200,
    held: ['CONNECT', 'a:1'],
    protocol: undefined,
  },
] as const
type Kind = (typeof kinds)[number]

const open = async (host: Host, { asks, status }: Kind): Promise<Client> => {
  const client = await host.connect()
  await client.ask(get('/first'))
  equal((await client.ask(asks)).status, status)
  return client
}

/** Takes it, and hands the server's end of it to the test. */
function take(host: Host, { event, status }: Kind): Arrivals<Duplex> {
  const taken = new Arrivals<Duplex>()
  host.server.on(event, (_req: IncomingMessage, socket: Duplex) => {
    socket
      .on('error', () => {})
      .on('end', () => socket.end())
      .resume()
    const fields = status === 101 ? 'Connection: Upgrade\r\nUpgrade: echo\r\n' : ''
    socket.write(`HTTP/1.1 ${status} Yes\r\n${fields}\r\n`)
    taken.push(socket)
  })
  return taken
}

const closesOf = ({ connections }: Host): Arrivals<CloseEvent> => {
  const closes = new Arrivals<CloseEvent>()
  connections.on('close', (event) => closes.push(event))
  return closes
}

/** Who ends it, and what the handle then says of it. */
const ends = (
  kind: Kind,
  id: string,
  what: string,
  first: 'server' | 'peer',
  act: (client: Client, socket: Duplex) => unknown,
): Case => ({
  id: `conformance/${kind.event}-${id}`,
  rules: ['R147', 'R192', 'R010', ...(kind.event === 'connect' ? ['R080'] : [])],
  title: `${kind.name} which ${what} ends by 'upgraded' in its event and in the counts, and the ${first} closed first`,
  run: async (host) => {
    const closes = closesOf(host)
    const upgrades: UpgradeEvent[] = []
    host.connections.on('upgrade', (event) => upgrades.push(event))
    const taken = take(host, kind)
    const client = await open(host, kind)
    const socket = await taken.at(0)
    deepEqual(
      upgrades.map(({ remote, ...event }) => ({ ...event, local: remote.includes('127.0.0.1') })),
      [{ method: kind.held[0], target: kind.held[1], protocol: kind.protocol, local: true }],
    )
    equal(host.connections.stats().open.upgraded, 1)
    await pass(100)
    act(client, socket)
    const { reason, first: who, requests, remote, ms } = await within(closes.at(0), () => `the close event\n${client}`)
    deepEqual({ reason, who, requests }, { reason: 'upgraded', who: first, requests: 2 })
    ok(remote.includes('127.0.0.1') && ms >= 90, `${remote} ${ms}`)
    const stats = host.connections.stats()
    deepEqual(stats.connections, { opened: 1, closed: 1, refused: 0 })
    deepEqual([stats.open.upgraded, { ...stats.closes }, stats.closedFirst[first]], [0, { upgraded: 1 }, 1])
    deepEqual(stats.requests, { received: 2, finished: 2, cut: 0, aborted: 0, dropped: 0 })
    equal(closes.list.length, 1)
  },
})

const casesOf = (kind: Kind): Case[] => [
  ends(kind, 'ended-by-client', 'its client ends', 'peer', (client) => client.fin()),
  ends(kind, 'reset-by-client', 'its client resets', 'peer', (client) => client.reset()),
  ends(kind, 'ended-by-server', 'the application ends', 'server', (_client, socket) => socket.end()),
  ends(kind, 'destroyed-by-server', 'the application destroys', 'server', (_client, socket) => socket.destroy()),
]

const [, tunnel] = kinds

const cases: Case[] = [
  ...kinds.flatMap(casesOf),
  {
    id: 'conformance/connect-told',
    rules: ['R080', 'R202'],
    title: 'a CONNECT tunnel can end itself in a drain: the signal fires',
    run: async (host) => {
      const taken = take(host, tunnel)
      const client = await open(host, tunnel)
      const socket = await taken.at(0)
      host.connections.signal.addEventListener('abort', () => socket.end('goodbye'))
      void host.stop()
      equal(await client.closed(), 'fin')
      equal(Buffer.concat(client.parser.tunnel).toString(), 'goodbye')
      ok((await host.report()).clean)
    },
  },
  {
    id: 'conformance/connect-cut',
    rules: ['R080', 'R202'],
    title: 'a CONNECT tunnel that stays is cut at the deadline, not before, counted, and named with what it had asked for',
    options: { drain: { deadline: 1_200 } },
    run: async (host) => {
      echo(host, 'connect')
      const closes = closesOf(host)
      const client = await open(host, tunnel)
      const began = Date.now()
      void host.stop()
      await pass(300)
      await client.send('still here')
      await tunnelSays(client, 'still here')
      await client.over()
      ok(Date.now() - began >= 900)
      const { clean, heldBy, connections, requests } = await host.report()
      deepEqual(
        heldBy.map(({ state, method, path }) => [state, method, path]),
        [['upgraded', ...tunnel.held]],
      )
      deepEqual([clean, connections.byReason, requests.cut], [true, { deadline: 1 }, 0])
      deepEqual([closes.list[0]?.reason, closes.list[0]?.first], ['deadline', 'server'])
    },
  },
  {
    id: 'conformance/connect-refused-in-a-drain',
    rules: ['R080', 'R203'],
    title: 'a CONNECT that arrives while draining gets 503 with close, and opens no tunnel',
    run: async (host) => {
      const taken = echo(host, 'connect')
      const client = await host.idleClient()
      await host.stopping()
      const answer = await client.ask(tunnel.asks)
      equal(answer.status, 503)
      ok(answer.header('retry-after') !== undefined)
      await closesWith(client, answer)
      deepEqual(taken.list, [])
      ok((await host.report()).clean)
    },
  },
  {
    id: 'conformance/upgraded-are-a-class-of-their-own',
    slow: true,
    rules: ['R147', 'R202'],
    title: 'in one drain idle, busy and upgraded connections end each by its own rule, and the report tells them apart',
    options: { keepAlive: { timeout: 1_000, hold: 20_000 }, drain: { deadline: 5_000 } },
    run: async (host) => {
      for (const { event } of kinds) echo(host, event)
      const upgraded = [await open(host, kinds[0]), await open(host, tunnel)]
      const [idle, busy] = [await host.idleClient(), await host.connect()]
      await busy.send(get('/held'))
      const { res } = await host.request('/held')
      equal(host.connections.stats().open.upgraded, 2)
      await host.stopping()
      res.end('done')
      await closesWith(busy, await busy.next())
      equal(await idle.closed(), 'fin')
      await until('two left', async () => (await host.openConnections()) === 2)
      for (const client of upgraded) await client.over()
      const { clean, heldBy, connections, requests } = await host.report()
      deepEqual(heldBy.map(({ state, method }) => `${state} ${method}`).sort(), ['upgraded CONNECT', 'upgraded GET'])
      deepEqual([clean, requests], [true, { finished: 1, rescued: 0, cut: 0 }])
      deepEqual(connections, { closed: 4, byReason: { draining: 2, deadline: 2 } })
    },
  },
]

/** What has left HTTP is still a connection: counted, told, and bounded. */
export const conformanceUpgraded: Case[] = cases

import { deepEqual, equal, ok } from 'node:assert/strict'
import type { CloseEvent, CloseReason, Options } from '@halfclose/core'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import type { Host, Route } from '../../support/host.js'
import { get, get10, pipeline } from '../../support/requests.js'
import { pass, until, within } from '../../support/wait.js'
import { echo, upgradeTo } from './gate-special.js'

const routes: Record<string, Route> = {
  '/close': (_req, res) => res.setHeader('Connection', 'close').end('bye'),
  '/unframed': (_req, res) => {
    res.removeHeader('Transfer-Encoding')
    res.write('to the ')
    res.end('end')
  },
  '/short': (_req, res) => void res.writeHead(200, { 'Content-Length': 100 }).end('short'),
  '/destroys': (_req, res) => void res.destroy(),
}

const nextClose = ({ connections }: Host): Promise<CloseEvent> => new Promise((resolve) => connections.once('close', resolve))

/** One connection that ends, and the reason for which it must say it did. */
const reason = (
  id: CloseReason,
  first: 'server' | 'peer',
  requests: number,
  act: (client: Client, host: Host) => Promise<unknown>,
  options?: Options,
): Case => ({
  id: `stats/reason-${id}`,
  rules: ['R010', 'R192'],
  title: `a connection that ends by '${id}' says so in its event and in the counts, and that the ${first} closed first`,
  options,
  run: async (host) => {
    const closed = nextClose(host)
    const client = await host.connect()
    await act(client, host)
    const event = await within(closed, () => `the close event\n${client}`)
    deepEqual({ reason: event.reason, first: event.first, requests: event.requests }, { reason: id, first, requests })
    match127(event.remote)
    const { closes, closedFirst, connections } = host.connections.stats()
    deepEqual(closes, { [id]: 1 })
    deepEqual(closedFirst, { server: 0, peer: 0, [first]: 1 })
    deepEqual(connections, { opened: 1, closed: 1, refused: 0 })
  },
})

const match127 = (remote: string): void => ok(remote.includes('127.0.0.1'), `remote is ${remote}`)

const cases: Case[] = [
  reason('client-close', 'server', 1, (client) => client.ask(get('/a', 'Connection: close'))),
  reason('max-requests', 'server', 1, (client) => client.ask(get('/a')), { keepAlive: { maxRequests: 1 } }),
  reason('no-keep-alive', 'server', 1, (client) => client.ask(get('/a')), { keepAlive: false }),
  reason('http10', 'server', 1, (client) => client.ask(get10('/a'))),
  reason('handler', 'server', 1, (client) => client.ask(get('/close'))),
  reason('unframed', 'server', 1, (client) => client.ask(get('/unframed'))),
  reason('content-length', 'server', 1, (client) => client.send(get('/short'))),
  reason('idle', 'server', 1, (client) => client.ask(get('/a')), { keepAlive: { timeout: 1_000 } }),
  reason(
    'max-age',
    'server',
    2,
    async (client) => {
      await client.ask(get('/a'))
      await pass(2_400)
      await client.ask(get('/b'))
    },
    { keepAlive: { maxAge: 2_000 } },
  ),
  reason('draining', 'server', 1, async (client, host) => {
    await client.send(get('/held'))
    const { res } = await host.request('/held')
    await host.stopping()
    res.end()
  }),
  reason(
    'deadline',
    'server',
    1,
    async (client, host) => {
      await client.send(get('/held'))
      await host.request('/held')
      void host.stop()
    },
    { drain: { deadline: 400 } },
  ),
  { ...reason('timeout', 'server', 1, (client) => client.send(get('/held'))), server: { connectionTimeout: 400 } },
  reason('error', 'server', 0, (client) => client.send('nonsense\r\n\r\n')),
  reason('peer', 'peer', 1, async (client, host) => {
    await client.send(get('/held'))
    await host.request('/held')
    client.reset()
  }),
  reason(
    'half-closed',
    'peer',
    1,
    async (client, host) => {
      await client.send(get('/held'))
      await host.request('/held')
      client.fin()
    },
    { halfClosed: 300 },
  ),
  reason('upgraded', 'peer', 1, async (client, host) => {
    echo(host, 'upgrade')
    await client.ask(upgradeTo('/chat'))
    client.fin()
  }),
  {
    id: 'stats/reason-of-an-idle-client-that-leaves',
    rules: ['R010', 'R192'],
    title: "an idle client that closes ends by 'client-close', and closed first",
    run: async (host) => {
      const closed = nextClose(host)
      const client = await host.idleClient()
      client.fin()
      const { reason: why, first } = await within(closed, () => 'the close event')
      deepEqual([why, first], ['client-close', 'peer'])
    },
  },
  {
    id: 'stats/open-by-state',
    rules: ['R021', 'R002'],
    title: 'open connections are counted by state: silent, idle, busy, lingering, upgraded',
    run: async (host) => {
      echo(host, 'upgrade')
      const open = () => host.connections.stats().open
      await host.connect()
      await host.idleClient()
      const busy = await host.connect()
      await busy.send(get('/held'))
      await host.request('/held')
      const lingering = await host.connect({ obliging: false })
      await lingering.ask(get('/a', 'Connection: close'))
      await lingering.closed()
      const upgraded = await host.connect()
      await upgraded.ask(upgradeTo('/chat'))
      await until('all to be counted', () => open().silent === 1)
      const { silent, idle, busy: working, lingering: left, upgraded: other } = open()
      deepEqual({ silent, idle, working, left, other }, { silent: 1, idle: 1, working: 1, left: 1, other: 1 })
    },
  },
  {
    id: 'stats/requests',
    rules: ['R004', 'R060'],
    title: 'requests are counted as received, finished, cut and dropped, and reuse per closed connection',
    run: async (host) => {
      const first = await host.connect()
      void first.send(pipeline(get('/1'), get('/2'), get('/3', 'Connection: close')))
      await first.take(3)
      await first.closed()
      const second = await host.connect()
      void second.send(pipeline(get('/held'), get('/dropped')))
      const { res } = await host.request('/held')
      res.setHeader('Connection', 'close').end()
      await second.next()
      await second.closed()
      const third = await host.connect()
      await third.send(get('/destroys'))
      await third.closed()
      await until('three closed', () => host.connections.stats().connections.closed === 3)
      const { requests, reuse } = host.connections.stats()
      deepEqual(requests, { received: 5, finished: 4, cut: 1, aborted: 0, dropped: 1 })
      ok(Math.abs(reuse - 5 / 3) < 0.01, `reuse ${reuse}`)
    },
  },
  {
    id: 'stats/plain',
    rules: ['R010'],
    title: 'stats() is a plain object that can go to a log as it is, and is not changed afterwards',
    run: async (host) => {
      const client = await host.connect()
      const before = host.connections.stats()
      const copy = JSON.stringify(before)
      await client.ask(get('/a', 'Connection: close'))
      await until('closed', () => host.connections.stats().connections.closed === 1)
      equal(JSON.stringify(before), copy, 'what was handed out has changed')
      deepEqual(JSON.parse(copy), before)
    },
  },
]

/** What the handle tells about what happened. */
export const stats: Case[] = cases.map((one) => ({ routes, ...one }))

import { deepEqual, equal } from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Host } from '../../support/host.js'
import { ask, get, pipeline } from '../../support/requests.js'
import { Arrivals, pass, until, within } from '../../support/wait.js'

const expecting = (path: string) => ask('POST', path, 'Expect: 100-continue', 'Content-Length: 4')
export const upgradeTo = (path: string) => get(path, 'Connection: Upgrade', 'Upgrade: echo')
const connectTo = (target: string) => ask('CONNECT', target)

/** Takes upgrades or tunnels of the server, and echoes what comes through them. */
export function echo(host: Host, event: 'upgrade' | 'connect'): Arrivals<string> {
  const taken = new Arrivals<string>()
  host.server.on(event, (req: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    socket.write(
      `HTTP/1.1 ${event === 'upgrade' ? '101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo' : '200 OK'}\r\n\r\n`,
    )
    if (head.length > 0) socket.write(head)
    socket.on('data', (data) => socket.write(data))
    socket.on('end', () => socket.end())
    taken.push(req.url ?? '')
  })
  return taken
}

export const tunnelSays = (client: { parser: { tunnel: Buffer[] } }, text: string) =>
  until(`${text} through the tunnel`, () => Buffer.concat(client.parser.tunnel).toString() === text)

/** What Node hands over by other events than `request` passes the same gate. */
export const gateSpecial: Case[] = [
  {
    id: 'gate/continue',
    rules: ['R154', 'R152', 'R157'],
    title: '100-continue is sent when its turn comes, not before the answer ahead of it',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held'), expecting('/upload')))
      const { res } = await host.request('/held')
      await pass(100)
      equal(client.interim.list.length, 0)
      res.end('held')
      equal((await client.next()).text, 'held')
      equal((await within(client.interim.at(0), () => `100 Continue\n${client}`)).status, 100)
      void client.send('body')
      equal((await client.next()).text, '/upload 4')
      keeps(client.last)
    },
  },
  {
    id: 'gate/check-continue-waits',
    rules: ['R157', 'R107'],
    title: 'checkContinue waits for the answer ahead of it',
    run: async (host) => {
      const checked = new Arrivals<string>()
      host.server.on('checkContinue', (req, res) => {
        checked.push(req.url ?? '')
        res.writeHead(413, { Connection: 'close' }).end('no')
      })
      const client = await host.connect()
      void client.send(pipeline(get('/held'), expecting('/upload')))
      const { res } = await host.request('/held')
      await pass(100)
      deepEqual(checked.list, [])
      res.end('held')
      equal((await client.next()).text, 'held')
      const refused = await client.next()
      equal(refused.status, 413)
      await closesWith(client, refused)
    },
  },
  {
    id: 'gate/unknown-expectation',
    rules: ['R156'],
    title: 'an unknown expectation gets its 417 in its turn',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held'), get('/odd', 'Expect: the-unexpected')))
      const { res } = await host.request('/held')
      await pass(100)
      res.end('held')
      equal((await client.next()).text, 'held')
      equal((await client.next()).status, 417)
    },
  },
  {
    id: 'gate/check-expectation-waits',
    rules: ['R156', 'R107'],
    title: 'checkExpectation waits for the answer ahead of it',
    run: async (host) => {
      const checked = new Arrivals<string>()
      host.server.on('checkExpectation', (req, res) => {
        checked.push(req.url ?? '')
        res.end('fine')
      })
      const client = await host.connect()
      void client.send(pipeline(get('/held'), get('/odd', 'Expect: the-unexpected')))
      const { res } = await host.request('/held')
      await pass(100)
      deepEqual(checked.list, [])
      res.end('held')
      equal((await client.next()).text, 'held')
      equal((await client.next()).text, 'fine')
    },
  },
  {
    id: 'gate/upgrade',
    rules: ['R147', 'R142'],
    title: 'an upgraded connection belongs to the other protocol: no timer, no field of ours',
    regression: true,
    options: { keepAlive: { timeout: 500 }, halfClosed: 500 },
    server: { keepAliveTimeout: 500 },
    run: async (host) => {
      echo(host, 'upgrade')
      const client = await host.connect()
      await client.ask(get('/first'))
      equal((await client.ask(upgradeTo('/chat'))).status, 101)
      await pass(2_000)
      await client.send('hello')
      await tunnelSays(client, 'hello')
      client.fin()
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'gate/upgrade-waits',
    rules: ['R146'],
    title: 'an upgrade is handed over only when the answers ahead of it are out',
    run: async (host) => {
      const upgrades = echo(host, 'upgrade')
      const client = await host.connect()
      void client.send(`${pipeline(get('/held'), upgradeTo('/chat'))}first words`)
      const { res } = await host.request('/held')
      await pass(100)
      deepEqual(upgrades.list, [])
      res.end('held')
      equal((await client.next()).text, 'held')
      equal((await client.next()).status, 101)
      await tunnelSays(client, 'first words')
    },
  },
  {
    id: 'gate/upgrade-behind-close',
    regression: true,
    rules: ['R120'],
    title: 'an upgrade behind a close is not processed',
    run: async (host) => {
      const upgrades = echo(host, 'upgrade')
      const client = await host.connect()
      void client.send(pipeline(get('/last', 'Connection: close'), upgradeTo('/chat')))
      await closesWith(client, await client.next())
      deepEqual(upgrades.list, [])
      equal(client.statuses, '200')
    },
  },
  {
    id: 'gate/held-upgrade-reset',
    rules: ['R113', 'R146'],
    title: 'a held upgrade whose client resets crashes nothing and is dropped',
    run: async (host) => {
      const upgrades = echo(host, 'upgrade')
      const client = await host.connect()
      void client.send(pipeline(get('/held'), upgradeTo('/chat')))
      const { res } = await host.request('/held')
      await pass(100)
      client.reset()
      await until('the server to notice', () => res.destroyed || res.closed)
      res.end('too late')
      await pass(100)
      deepEqual(upgrades.list, [])
      keeps(await (await host.connect()).ask(get('/alive')))
    },
  },
  {
    id: 'gate/connect-waits',
    rules: ['R080', 'R146'],
    title: 'CONNECT is handed over only when the answers ahead of it are out',
    run: async (host) => {
      const tunnels = echo(host, 'connect')
      const client = await host.connect()
      void client.send(pipeline(get('/held'), connectTo('a:1')))
      const { res } = await host.request('/held')
      await pass(100)
      deepEqual(tunnels.list, [])
      res.end('held')
      equal((await client.next()).text, 'held')
      equal((await client.next()).status, 200)
      await client.send('hello')
      await tunnelSays(client, 'hello')
    },
  },
  {
    id: 'gate/connect-unwanted',
    rules: ['R080', 'R001'],
    title: 'a CONNECT that nobody listens to does not take the pending answer with it',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held'), connectTo('a:1')))
      const { res } = await host.request('/held')
      await pass(100)
      res.end('held')
      equal((await client.next()).text, 'held')
      await client.closed()
    },
  },
]

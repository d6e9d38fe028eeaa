import { deepEqual, equal } from 'node:assert/strict'
import { createServer } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { attach, type CloseEvent } from '@halfclose/core'
import type { Client } from '../support/client.js'
import { H2Host } from '../support/h2/host.js'
import { Arrivals, until, within } from '../support/wait.js'

/** One that leaves the choice of the protocol to the server, which has none for it. */
const connect = (host: H2Host): Promise<Client> => host.connectHttp1({ secure: { ALPNProtocols: [] } })

let host: H2Host
let closes: Arrivals<CloseEvent>
beforeEach(async () => {
  host = await H2Host.start('https2', 'halfclose', {})
  closes = new Arrivals()
  host.connections.on('close', (event) => closes.push(event))
})
afterEach(() => host.dispose())

/** What the handle says of the one connection there was. */
async function endsAsUpgraded(first: 'server' | 'peer', client: Client): Promise<void> {
  const { reason, first: who, requests } = await within(closes.at(0), () => `the close event\n${client}`)
  deepEqual({ reason, who, requests }, { reason: 'upgraded', who: first, requests: 0 })
  const stats = host.connections.stats()
  deepEqual(stats.connections, { opened: 1, closed: 1, refused: 0 })
  deepEqual([stats.open.upgraded, { ...stats.closes }], [0, { upgraded: 1 }])
  deepEqual(stats.closedFirst, { server: 0, peer: 0, [first]: 1 })
  equal(closes.list.length, 1)
}

describe('a connection that agreed on no protocol, and that nobody takes', () => {
  test('is ended by Node with a 403: the server closed first', async () => {
    const client = await connect(host)
    equal((await client.next()).status, 403)
    equal(await client.closed(), 'fin')
    await endsAsUpgraded('server', client)
  })
})

describe('a connection that agreed on no protocol, and that the application takes', () => {
  const taken = async (): Promise<{ client: Client; socket: TLSSocket }> => {
    const sockets = new Arrivals<TLSSocket>()
    host.server.on('unknownProtocol', (socket: TLSSocket) => {
      socket.on('error', () => {}).on('data', (chunk: Buffer) => socket.write(chunk))
      sockets.push(socket)
    })
    const client = await connect(host)
    const socket = await within(sockets.at(0), () => 'unknownProtocol')
    await until('it to be counted', () => host.connections.stats().open.upgraded === 1)
    return { client, socket }
  }

  test.each<[string, 'server' | 'peer', (client: Client, socket: TLSSocket) => unknown]>([
    ['its client ends', 'peer', (client) => client.fin()],
    ['its client resets', 'peer', (client) => client.reset()],
    ['the application ends', 'server', (_client, socket) => socket.end()],
    ['the application destroys', 'server', (_client, socket) => socket.destroy()],
  ])('and %s: the %s closed first', async (_what, first, act) => {
    const { client, socket } = await taken()
    act(client, socket)
    await endsAsUpgraded(first, client)
  })
})

describe('a connection that agreed on no protocol, and that the application passes on to an HTTP/1 server of ours', () => {
  test("is that server's: it is answered, and counted there", async () => {
    const other = createServer((_req, res) => res.end('hello'))
    const connections = attach(other)
    host.server.on('unknownProtocol', (socket: TLSSocket) => other.emit('connection', socket))
    const client = await connect(host)
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    equal(String((await client.next()).body), 'hello')
    equal(connections.stats().connections.opened, 1)
    equal(host.connections.stats().connections.opened, 0)
  })
})

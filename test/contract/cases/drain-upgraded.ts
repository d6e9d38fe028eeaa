import { deepEqual, equal, ok } from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import type { Host } from '../../support/host.js'
import { get } from '../../support/requests.js'
import { Arrivals, pass } from '../../support/wait.js'

const options = { drain: { upgraded: 400, deadline: 20_000 }, linger: { quiet: 500 } }
const GOING_AWAY = '880203e9'

/** A connection of another protocol whose application takes no notice of the drain. */
async function unheeding(host: Host, protocol: string): Promise<{ client: Client; socket: Duplex }> {
  const taken = new Arrivals<Duplex>()
  host.server.on('upgrade', (_req: IncomingMessage, socket: Duplex) => {
    socket.on('data', () => {})
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`)
    taken.push(socket)
  })
  const client = await host.connect()
  equal((await client.ask(get('/chat', 'Connection: Upgrade', `Upgrade: ${protocol}`))).status, 101)
  return { client, socket: await taken.at(0) }
}

const came = (client: Client): string => Buffer.concat(client.parser.tunnel).toString('hex')

async function endedCleanly(host: Host, client: Client): Promise<void> {
  equal(await client.closed(), 'fin')
  const { clean, ms, heldBy, connections } = await host.report()
  deepEqual({ clean, heldBy, byReason: connections.byReason }, { clean: true, heldBy: [], byReason: { draining: 1 } })
  ok(ms < 15_000, `the drain took ${ms} ms`)
}

/** `drain.upgraded`: what nobody has a handle to. */
export const drainUpgraded: Case[] = [
  {
    id: 'drain-upgraded/another-protocol',
    rules: ['R147'],
    title:
      'a connection of another protocol that nobody ends is ended output first when drain.upgraded is over, with all that was written',
    options,
    run: async (host) => {
      const { client, socket } = await unheeding(host, 'echo')
      socket.write('last words')
      await host.stopping()
      await endedCleanly(host, client)
      equal(came(client), Buffer.from('last words').toString('hex'))
    },
  },
  {
    id: 'drain-upgraded/websocket',
    rules: ['R147'],
    title: 'a WebSocket gets a close frame with the code 1001 before that, behind the frames that were written, in pieces or not',
    options,
    run: async (host) => {
      const { client, socket } = await unheeding(host, 'websocket')
      const long = Buffer.concat([Buffer.from([0x82, 126, 1, 0]), Buffer.alloc(256, 0x88)])
      for (let at = 0; at < long.length; at += 3) socket.write(long.subarray(at, at + 3))
      socket.write('\x81\x02ok', 'latin1')
      await host.stopping()
      await endedCleanly(host, client)
      equal(came(client), `${long.toString('hex')}81026f6b${GOING_AWAY}`)
    },
  },
  {
    id: 'drain-upgraded/amid-a-frame',
    rules: ['R147'],
    title:
      'amid a frame it waits for the rest of it, so that no frame is broken; one whose rest never comes ends without a close frame',
    options,
    run: async (host) => {
      const { client, socket } = await unheeding(host, 'websocket')
      socket.write(Buffer.from('8104aabb', 'hex'))
      await host.stopping()
      await pass(500)
      socket.write(Buffer.from('ccdd', 'hex'))
      await client.closed()
      ok(['8104aabbccdd880203e9', '8104aabb'].includes(came(client)), came(client))
      await endedCleanly(host, client)
    },
  },
  {
    id: 'drain-upgraded/closed-already',
    rules: ['R147'],
    title: 'one that has said its own close gets no second one, and what its application writes after the end is no error',
    options,
    run: async (host) => {
      const { client, socket } = await unheeding(host, 'websocket')
      socket.write(Buffer.from('880203e8', 'hex'))
      await host.stopping()
      const writing = setInterval(() => socket.writable && socket.write('x'), 20)
      await client.closed().finally(() => clearInterval(writing))
      equal(came(client).slice(0, 8), '880203e8')
      ok(!came(client).includes(GOING_AWAY))
      await endedCleanly(host, client)
    },
  },
]

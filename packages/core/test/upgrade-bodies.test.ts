import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { Arrivals, pass, until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'
import type { Options, UpgradeEvent } from '../src/types.js'

// Upgrades whose request has a body. From Node 26 on they arrive with a Duplex of Node's, and no socket, where the body is not whole yet; before, the body is
// taken for the other protocol's first words.

const HAS_STREAMS = Number(process.versions.node.split('.')[0]) >= 26

const upgrade = (protocol: string, body = '') =>
  `POST /chat?secret HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nContent-Length: 10\r\n\r\n${body}`

const opened = endedAfterEach()

interface Taken {
  readonly req: IncomingMessage
  readonly stream: Duplex
  readonly body: () => string
}

describe.each([
  ['http', createServer, false],
  ['https', (listener: (req: IncomingMessage, res: ServerResponse) => void) => createHttpsServer(credentials, listener), true],
])('over %s an upgrade whose request has a body', (_name, make, tls) => {
  async function governed(options: Options = {}) {
    const held = new Arrivals<ServerResponse>()
    const taken = new Arrivals<Taken>()
    const server = make((_req, res) => held.push(res))
    server.on('upgrade', (req: IncomingMessage, stream: Duplex, head: Buffer) => {
      let body = ''
      req
        .on('error', () => {})
        .on('data', (chunk: Buffer) => {
          body += chunk.toString()
        })
      stream.on('error', () => {}).on('end', () => stream.end())
      stream.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${req.headers.upgrade}\r\n\r\n`)
      if (head.length > 0) stream.write(head)
      stream.on('data', (chunk: Buffer) => stream.write(chunk))
      taken.push({ req, stream, body: () => body })
    })
    const connections = attach(server, { logger: quiet, ...options })
    const told: UpgradeEvent[] = []
    connections.on('upgrade', (event) => told.push(event))
    const port = await listening(server)
    opened.after(() => connections.drain())
    const client = await opened.connect({ port, tls })
    const first = async () => {
      const one = await within(taken.at(0), () => 'the upgrade')
      expect(one.stream instanceof Socket).toBe(!HAS_STREAMS)
      return one
    }
    const came = () => Buffer.concat(client.parser.tunnel)
    /** The other protocol works: what it says comes back, behind the body where Node takes that for its first words. */
    const echoes = async (text: string) => {
      await client.send(text)
      await until(`${text} from the other protocol`, () => came().toString().endsWith(text))
    }
    return { connections, client, held, taken, told, first, came, echoes }
  }

  test('is counted and named, and closed at the deadline, with its body half sent', async () => {
    const { connections, client, told, first } = await governed({ drain: { deadline: 300 }, linger: { quiet: 300 } })
    await client.send(upgrade('chat', '01234'))
    const { stream } = await first()
    const closed = once(stream, 'close')
    expect((await client.next()).status).toBe(101)
    expect(connections.stats().open).toMatchObject({ busy: 0, upgraded: 1 })
    expect(connections.stats().requests).toEqual({ received: 1, finished: 1, cut: 0, aborted: 0, dropped: 0 })
    const named = { state: 'upgraded', method: 'POST', path: '/chat', waitsFor: 'chat' }
    expect(connections.list()).toMatchObject([named])
    expect(told).toMatchObject([{ method: 'POST', target: '/chat', protocol: 'chat' }])
    const { clean, heldBy, connections: ended, unseen } = await within(connections.drain(), () => 'the drain')
    expect({ clean, unseen, byReason: ended.byReason }).toEqual({ clean: true, unseen: 0, byReason: { deadline: 1 } })
    expect(heldBy).toMatchObject([named])
    await within(closed, () => "the stream's 'close'")
    await client.closed()
  })

  test('is another protocol once the body is over, and its end is told', async () => {
    const { connections, client, first, echoes } = await governed()
    const closes = new Arrivals<unknown>()
    connections.on('close', (event) => closes.push(event))
    await client.send(upgrade('chat', '01234'))
    const { body } = await first()
    await client.send('56789')
    if (HAS_STREAMS) await until('the body', () => body() === '0123456789')
    await echoes('hello')
    client.fin()
    expect(await client.closed()).toBe('fin')
    expect(await within(closes.at(0), () => 'its end')).toMatchObject({ reason: 'upgraded', first: 'peer', state: 'upgraded' })
    expect(connections.stats().open.upgraded).toBe(0)
  })

  test('waits for its turn, and then has all of its body', async () => {
    const { connections, client, held, taken, first, echoes } = await governed()
    await client.send(get('/held') + upgrade('chat', '01234'))
    const res = await within(held.at(0), () => 'the request before')
    await client.send('56789')
    await pass(100)
    expect(taken.list).toEqual([])
    expect(connections.stats().open.upgraded).toBe(0)
    res.end('held')
    expect((await client.next()).text).toBe('held')
    const { body } = await first()
    if (HAS_STREAMS) await until('the body', () => body() === '0123456789')
    await echoes('hello')
  })

  test("is told the client's FIN that came while it waited", async () => {
    const { client, held, first } = await governed()
    await client.send(get('/held') + upgrade('chat', '01234'))
    const res = await within(held.at(0), () => 'the request before')
    await client.send('56789')
    client.fin()
    await pass(100)
    res.end('held')
    expect((await client.next()).text).toBe('held')
    const { stream } = await first()
    await until("the stream's end", () => stream.readableEnded)
    expect(await client.closed()).toBe('fin')
  })

  test('is ended when `drain.upgraded` is over, a WebSocket with a close frame', async () => {
    const { connections, client, first, came } = await governed({
      drain: { upgraded: 200, deadline: 20_000 },
      linger: { quiet: 500 },
    })
    await client.send(upgrade('websocket', '01234'))
    const { stream } = await first()
    expect((await client.next()).status).toBe(101)
    await client.send('56789')
    if (!HAS_STREAMS) await until('the first words', () => came().length === 10)
    stream.write(Buffer.from('81026f6b', 'hex'))
    const { clean, heldBy, connections: ended } = await within(connections.drain(), () => 'the drain')
    expect({ clean, heldBy, byReason: ended.byReason }).toEqual({ clean: true, heldBy: [], byReason: { draining: 1 } })
    expect(await client.closed()).toBe('fin')
    expect(came().toString('hex')).toMatch(HAS_STREAMS ? /^81026f6b880203e9$/ : /81026f6b/)
  })

  test('is refused in a drain, output first, with its body half sent', async () => {
    const { connections, client, held, taken } = await governed({ drain: { deadline: 20_000 }, linger: { quiet: 500 } })
    await client.send(get('/held'))
    const res = await within(held.at(0), () => 'the request before')
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    res.shouldKeepAlive = true
    await client.send(upgrade('chat', '01234'))
    await pass(50)
    res.end('held')
    expect((await client.next()).text).toBe('held')
    expect(await client.closed()).toBe('fin')
    expect(taken.list).toEqual([])
    expect((await within(drained, () => 'the drain')).clean).toBe(true)
  })

  test('on a first request in a drain is answered 503', async () => {
    const { connections, client, taken } = await governed({ drain: { deadline: 20_000 }, linger: { quiet: 500 } })
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    await client.send(upgrade('chat', '01234'))
    expect((await client.next()).status).toBe(503)
    await client.send('56789 and more')
    expect(await client.closed()).toBe('fin')
    expect(taken.list).toEqual([])
    expect((await within(drained, () => 'the drain')).clean).toBe(true)
  })

  test('whose client resets it amid the body is gone, and the application is told', async () => {
    const { connections, client, first } = await governed()
    await client.send(upgrade('chat', '01234'))
    const { stream } = await first()
    const closed = new Promise<void>((resolve) => stream.on('close', resolve))
    client.vanish()
    await within(closed, () => "the stream's 'close'")
    await until('none is left', () => connections.stats().open.upgraded === 0)
  })
})

import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Connections, Options } from '@halfclose/core'
import { Client } from '../support/client.js'
import { closesWith, keeps } from '../support/expect.js'
import { Host, type Route } from '../support/host.js'
import { get, get10, post, postHead } from '../support/requests.js'
import { deferred, until, within } from '../support/wait.js'
import { createProxy } from './forward.mjs'

/** The proxy of docs/forwarding.md between raw clients and an origin, both under a policy. */
class Chain {
  readonly #clients: Client[] = []

  private constructor(
    readonly origin: Host,
    readonly port: number,
    readonly proxy: Connections,
  ) {}

  static async start(routes: Record<string, Route> = {}, options: Options = {}): Promise<Chain> {
    const origin = await Host.start('http', 'halfclose', { routes, options: { keepAlive: { timeout: 4_000 } } })
    const { server, connections } = createProxy(`http://127.0.0.1:${origin.port}`, options)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Chain(origin, (server.address() as AddressInfo).port, connections)
  }

  async connect(): Promise<Client> {
    const client = await Client.open({ port: this.port })
    this.#clients.push(client)
    return client
  }

  async dispose(): Promise<void> {
    for (const client of this.#clients) client.vanish()
    await within(this.proxy.drain({ fast: true }), () => 'the drain of the proxy')
    await this.origin.dispose()
  }
}

async function through(run: (chain: Chain) => Promise<void>, routes?: Record<string, Route>, options?: Options): Promise<void> {
  const chain = await Chain.start(routes, options)
  try {
    await run(chain)
  } finally {
    await chain.dispose()
  }
}

const pairsOf = (raw: readonly string[]): [string, string][] =>
  raw.flatMap((name, i): [string, string][] => (i % 2 === 0 ? [[name, raw[i + 1] ?? '']] : []))

describe('a forwarding proxy under halfclose, in front of an origin under halfclose', () => {
  const warnings: string[] = []
  beforeAll(() => jest.spyOn(console, 'warn').mockImplementation((line) => void warnings.push(line)))
  afterAll(() => jest.restoreAllMocks())

  it('docs/forwarding.md shows what is tested here', () => {
    const code = readFileSync(join(__dirname, 'forward.mjs'), 'utf8').replace(/^.*\n/, '')
    ok(readFileSync(join(__dirname, '../../docs/forwarding.md'), 'utf8').includes(`\`\`\`js\n${code}\`\`\``))
  })

  it('R013 R015 R017 R135 R136 R137: fields of the first hop do not reach the origin, all others do, as they were', () =>
    through(async (chain) => {
      const client = await chain.connect()
      const hop = [
        'Keep-Alive: timeout=300',
        'Proxy-Connection: keep-alive',
        'TE: trailers',
        'Upgrade: foo/1',
        'X-Hop: 1',
        'x-hop: 2',
      ]
      const kept = ['X-Dup: b', 'Authorization: Bearer t', 'x-dup: a', 'Cache-Control: no-cache', 'X-User: ann', 'X-DUP: c']
      const named = 'Connection: keep-alive, X-Hop, Authorization, TE, Cache-Control, X-User, Host'
      keeps(await client.ask(get('/headers', ...hop, 'Proxy-Authorization: Basic x', named, ...kept)), 'timeout=5')
      const { req } = await chain.origin.request('/headers')
      const others = pairsOf(req.rawHeaders).filter(([name]) => !/^(connection|via|x-forwarded-for)$/i.test(name))
      equal(others.map((field) => field.join(': ')).join('\n'), ['host: a', ...kept].join('\n'))
      deepEqual([req.headers.connection, req.headers.via], ['keep-alive', '1.1 proxy.example'])
      deepEqual(
        warnings.map((line) => line.split(' ')[4]),
        ['authorization', 'cache-control', 'x-user', 'host'],
      )
    }))

  it('R013 R015 R136 R137: fields of the second hop do not reach the client, all others do; the promise is our own', () =>
    through(
      async (chain) => {
        const client = await chain.connect()
        const answer = await client.ask(get('/answer'))
        keeps(answer, 'timeout=5')
        equal(answer.text, 'hello')
        equal(answer.header('connection'), 'keep-alive')
        for (const name of ['x-hop', 'proxy-connection', 'proxy-authenticate', 'upgrade']) equal(answer.header(name), undefined)
        const kept = answer.headers.slice(0, 4).map((field) => field.join(': '))
        deepEqual(kept, ['Set-Cookie: a=1', 'set-cookie: b=2', 'Cache-Control: no-store', 'Content-Length: 5'])
      },
      {
        '/answer': (_req, res) => {
          const own = ['Set-Cookie', 'a=1', 'set-cookie', 'b=2', 'Cache-Control', 'no-store', 'Content-Length', '5']
          const hop = ['X-Hop', '1', 'Proxy-Connection', 'close', 'Proxy-Authenticate', 'Basic', 'Upgrade', 'foo/1']
          res.writeHead(200, ['Connection', 'X-Hop, Cache-Control', ...own, ...hop]).end('hello')
        },
      },
    ))

  it('R013 R014: a close that the origin says is between it and the proxy: the client keeps its connection', () =>
    through(
      async (chain) => {
        const client = await chain.connect()
        for (let i = 0; i < 3; i++) keeps(await client.ask(get('/last')), 'timeout=5')
        equal(chain.origin.connections.stats().connections.opened, 3)
        equal(chain.proxy.stats().connections.opened, 1)
      },
      { '/last': (_req, res) => void res.setHeader('Connection', 'close').end('bye') },
    ))

  it('R013 R014: a close that the client says is between it and the proxy: the origin keeps its connection', () =>
    through(async (chain) => {
      for (let i = 0; i < 3; i++) {
        const client = await chain.connect()
        await closesWith(client, await client.ask(get('/', 'Connection: close')))
      }
      equal(chain.origin.connections.stats().connections.opened, 1)
    }))

  it('both hops are kept alive', () =>
    through(async (chain) => {
      const client = await chain.connect()
      for (let i = 0; i < 20; i++) keeps(await client.ask(i % 2 ? get(`/${i}`) : post(`/${i}`, 'abc')), 'timeout=5')
      equal(client.last.text, '/19')
      for (const hop of [chain.proxy, chain.origin.connections]) {
        const { connections, requests } = hop.stats()
        deepEqual([connections.opened, requests.received], [1, 20])
      }
    }))

  it('R138: Proxy-Connection is not acted upon: it grants no keep-alive, and goes no further', () =>
    through(async (chain) => {
      const old = await chain.connect()
      await closesWith(old, await old.ask(get10('/old', 'Host: a', 'Proxy-Connection: keep-alive')))
      const client = await chain.connect()
      await closesWith(client, await client.ask(get('/new', 'Connection: close', 'Proxy-Connection: keep-alive')))
      const { req } = await chain.origin.request('/new')
      equal(req.headers['proxy-connection'], undefined)
    }))

  it("R138, not kept: Node's parser takes Proxy-Connection: close for close and refuses what follows, so close is announced", () =>
    through(async (chain) => {
      for (const more of [[], ['Connection: keep-alive']]) {
        const client = await chain.connect()
        await closesWith(client, await client.ask(get('/', 'Proxy-Connection: close', ...more)))
      }
      for (const { req } of chain.origin.seen.list) equal(req.headers['proxy-connection'], undefined)
      equal(chain.origin.connections.stats().connections.opened, 1)
    }))

  it('a Transfer-Encoding is for one hop: bodies are framed anew, both ways', () =>
    through(
      async (chain) => {
        const client = await chain.connect()
        const chunked = post('/echo', '', 'Transfer-Encoding: chunked', 'Trailer: X-Sum').replace('Content-Length: 0\r\n', '')
        const answer = await client.ask(`${chunked}5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`)
        equal(answer.text, 'hello')
        equal(answer.header('trailer'), undefined)
        equal((await client.ask(post('/echo', 'once more'))).text, 'once more')
      },
      { '/echo': (req, res) => void req.pipe(res) },
    ))

  it('an origin that refuses an upload early is heard by a client that writes 8 MB before it reads', () =>
    through(
      async (chain) => {
        const client = await chain.connect()
        ok(await client.sendBeforeReading(postHead('/upload', 8_000_000), Buffer.alloc(8_000_000)), 'the proxy cut the upload')
        const answer = await client.next()
        equal(answer.status, 413)
        equal(answer.text, 'too much')
        equal((await (await chain.connect()).ask(get('/after'))).status, 200)
      },
      { '/upload': (_req, res) => void res.writeHead(413, { Connection: 'close' }).end('too much') },
    ))

  it('an answer that the origin breaks off is seen to be cut', () =>
    through(
      async (chain) => {
        const client = await chain.connect()
        void client.send(get('/half'))
        await client.head(0)
        const { res } = await chain.origin.request('/half')
        res.destroy()
        await client.closed()
        equal(client.heads.list[0]?.complete, false)
      },
      { '/half': (_req, res) => void res.writeHead(200, { 'Content-Length': 10 }).write('half') },
    ))

  it('draining the proxy under load loses nothing: each client is answered until it is told close', () =>
    through(async (chain) => {
      const clients = await Promise.all(Array.from({ length: 12 }, () => chain.connect()))
      let answered = 0
      const warm = deferred<void>()
      const loop = async (client: Client, n: number): Promise<void> => {
        for (let i = 0; ; i++) {
          const path = `/${n}/${i}`
          const answer = await client.ask(i % 2 ? get(path) : post(path, 'abc'))
          equal(answer.text, i % 2 ? path : `${path} 3`)
          if (++answered === 120) warm.resolve()
          if (answer.closes) return closesWith(client, answer)
        }
      }
      const loops = Promise.all(clients.map(loop))
      await within(Promise.race([warm.promise, loops]), () => `120 answers, there are ${answered}`)
      const report = await within(chain.proxy.drain(), () => 'the drain of the proxy')
      await loops
      ok(answered > 120)
      equal(chain.origin.seen.list.length, answered)
      deepEqual([report.clean, report.requests.cut, report.promisesBroken], [true, 0, {}])
      await until('the proxy to let go of the origin', async () => (await chain.origin.openConnections()) === 0)
    }))
})

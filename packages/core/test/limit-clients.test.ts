import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, type Server } from 'node:net'
import { networkInterfaces } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { credentials } from '../../../test/support/hosts/http.js'
import { within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'

// `limits.perClient` on the wire: which connections are one client's. The addresses are those of the loopback interface.

const hasIPv6 = Object.values(networkInterfaces()).some((of) => of?.some(({ address }) => address === '::1'))
const onIPv6 = hasIPv6 ? test : test.skip
const skipped = hasIPv6 ? '' : ', skipped: this machine has no ::1'

const logger = { info: () => {}, warn: () => {} }
const cleanUp: (() => unknown)[] = []

afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

async function listening(server: Server, host: string): Promise<number> {
  await once(server.listen({ port: 0, host }), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  return address.port
}

describe.each([
  ['http', (listener: RequestListener) => createServer(listener), false],
  ['https', (listener: RequestListener) => createHttpsServer(credentials, listener), true],
])('over %s, with one connection for each client,', (_name, make, tls) => {
  /** Two servers under one policy, and the address that each request came from. */
  async function governed(...hosts: string[]) {
    const seen: (string | undefined)[] = []
    const listener: RequestListener = (req, res) => {
      seen.push(req.socket.remoteAddress)
      res.end('ok')
    }
    const servers = hosts.map(() => make(listener))
    const [first, ...others] = servers
    if (first === undefined) throw new Error('no server')
    const connections = attach(first, { logger, drain: 'fast', limits: { perClient: 1 } })
    for (const other of others) connections.attach(other)
    const ports: number[] = []
    for (const [i, server] of servers.entries()) ports.push(await listening(server, hosts[i] ?? ''))
    cleanUp.push(() => connections.drain())
    /** The status that a client gets, whose connection stays open. */
    const ask = async (server: number, host: string, localAddress?: string): Promise<number> => {
      const tcp = connect({ port: ports[server] ?? 0, host, localAddress })
      const socket = tls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp
      for (const one of new Set([tcp, socket])) one.on('error', () => {})
      cleanUp.push(() => socket.destroy())
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const [chunk]: Buffer[] = await within(once(socket, 'data'), () => `the answer to ${localAddress ?? host}`)
      return Number(chunk?.toString('latin1', 9, 12))
    }
    return { connections, seen, ask }
  }

  test('each address of IPv4 is a client', async () => {
    const { connections, ask } = await governed('127.0.0.1')
    const statuses = [await ask(0, '127.0.0.1'), await ask(0, '127.0.0.1', '127.0.0.2'), await ask(0, '127.0.0.1', '127.0.0.3')]
    expect(statuses).toEqual([200, 200, 200])
    expect(await ask(0, '127.0.0.1', '127.0.0.2')).toBe(503)
    expect({ ...connections.stats().refused }).toEqual({ connections: 0, perClient: 1, descriptors: 0 })
  })

  onIPv6(`a client of IPv4 is the same one at a listener of both, which calls it ::ffff:127.0.0.1${skipped}`, async () => {
    const { seen, ask } = await governed('127.0.0.1', '::')
    expect(await ask(1, '127.0.0.1')).toBe(200)
    expect(await ask(0, '127.0.0.1')).toBe(503)
    expect(await ask(1, '127.0.0.1')).toBe(503)
    expect(await ask(1, '127.0.0.1', '127.0.0.2')).toBe(200)
    expect(await ask(0, '127.0.0.1', '127.0.0.2')).toBe(503)
    expect(seen).toEqual(['::ffff:127.0.0.1', '::ffff:127.0.0.2'])
  })

  onIPv6(`a client of IPv6 is another one than that of IPv4, and one itself${skipped}`, async () => {
    const { seen, ask } = await governed('127.0.0.1', '::')
    expect(await ask(1, '::1')).toBe(200)
    expect(await ask(0, '127.0.0.1')).toBe(200)
    expect(await ask(1, '::1')).toBe(503)
    expect(seen).toEqual(['::1', '127.0.0.1'])
  })
})

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { credentials } from '../../../test/support/hosts/http.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'
import { where } from '../../../test/support/where.js'
import { attach } from '../src/index.js'

// `limits.perClient` on the wire: which connections are one client's. The addresses are those of the loopback interface.

const hasIPv6 = Object.values(networkInterfaces()).some((of) => of?.some(({ address }) => address === '::1'))
const ipv6 = where(hasIPv6, 'this machine has no ::1')

const opened = endedAfterEach()

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
    const connections = attach(first, { logger: quiet, drain: 'fast', limits: { perClient: 1 } })
    for (const other of others) connections.attach(other)
    const ports: number[] = []
    for (const [i, server] of servers.entries()) ports.push(await listening(server, hosts[i] ?? ''))
    opened.after(() => connections.drain())
    /** The status that a client gets, whose connection stays open. */
    const ask = async (server: number, host: string, localAddress?: string): Promise<number> => {
      const tcp = connect({ port: ports[server] ?? 0, host, localAddress })
      const socket = tls ? connectTls({ socket: tcp, rejectUnauthorized: false }) : tcp
      for (const one of new Set([tcp, socket])) one.on('error', () => {})
      opened.after(() => socket.destroy())
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

  ipv6.test(`a client of IPv4 is the same one at a listener of both, which calls it ::ffff:127.0.0.1${ipv6.note}`, async () => {
    const { seen, ask } = await governed('127.0.0.1', '::')
    expect(await ask(1, '127.0.0.1')).toBe(200)
    expect(await ask(0, '127.0.0.1')).toBe(503)
    expect(await ask(1, '127.0.0.1')).toBe(503)
    expect(await ask(1, '127.0.0.1', '127.0.0.2')).toBe(200)
    expect(await ask(0, '127.0.0.1', '127.0.0.2')).toBe(503)
    expect(seen).toEqual(['::ffff:127.0.0.1', '::ffff:127.0.0.2'])
  })

  ipv6.test(`a client of IPv6 is another one than that of IPv4, and one itself${ipv6.note}`, async () => {
    const { seen, ask } = await governed('127.0.0.1', '::')
    expect(await ask(1, '::1')).toBe(200)
    expect(await ask(0, '127.0.0.1')).toBe(200)
    expect(await ask(1, '::1')).toBe(503)
    expect(seen).toEqual(['::1', '127.0.0.1'])
  })
})

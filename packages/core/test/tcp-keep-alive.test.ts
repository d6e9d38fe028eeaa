import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Socket } from 'node:net'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { attach } from '../src/index.js'
import { parseTcp } from '../src/options/tcp.js'
import type { WarningEvent } from '../src/types.js'

// TCP keep-alive: what is asked of the kernel, and what Node cannot ask of it.

const PROBES = { keepAlive: { idle: 30_000, interval: 5_000, count: 4 } }

test.each([
  ['an interval and a count', PROBES, 1],
  ['an interval', { keepAlive: { interval: 5_000 } }, 1],
  ['no probes at all', { keepAlive: { idle: false, count: 4 } }, 0],
  ['neither', { keepAlive: { idle: 5_000 } }, 0],
])('where Node cannot set them, %s, it warns', (_what, tcp, expected) => {
  const warnings: WarningEvent[] = []
  parseTcp(tcp, warnings, false)
  expect(warnings.map(({ code }) => code)).toEqual(Array(expected).fill('HALFCLOSE_PROBES_NOT_SET'))
  parseTcp(tcp, warnings, true)
  expect(warnings).toHaveLength(expected)
})

test('the interval and the count are given to Node, or one warning says that they cannot be', async () => {
  const asked: unknown[][] = []
  const server = createServer((_req, res) => void res.end('ok'))
  server.on('connection', (socket) => {
    const { setKeepAlive } = socket
    socket.setKeepAlive = (...args: unknown[]) => {
      asked.push(args)
      return Reflect.apply(setKeepAlive, socket, args)
    }
  })
  const connections = attach(server, { drain: 'fast', tcp: PROBES, logger: { info: () => {}, warn: () => {} } })
  const codes: string[] = []
  connections.on('warning', ({ code }) => codes.push(code))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  const client = await Client.open({ port: address.port })
  await client.ask(get('/'))
  expect(asked).toEqual([[true, 30_000, 5_000, 4]])
  if (Socket.prototype.setKeepAlive.length >= 4) expect(codes).toEqual([])
  if (hasSs()) expect(timerOf(address.port)).toMatch(/timer:\(keepalive,(?:2\d|30)/)
  client.destroy()
  const closed = once(server, 'close')
  server.close()
  await closed
})

function timerOf(port: number): string {
  return execFileSync('ss', ['-tnoH', `sport = :${port}`], { encoding: 'utf8' })
}

function hasSs(): boolean {
  try {
    execFileSync('ss', ['-V'])
    return process.platform === 'linux'
  } catch {
    return false
  }
}

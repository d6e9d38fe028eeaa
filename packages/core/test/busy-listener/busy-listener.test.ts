import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import http, { type RequestListener } from 'node:http'
import http2 from 'node:http2'
import https from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { credentials } from '../../../../test/support/hosts/http.js'
import { endedAfterEach, quiet } from '../../../../test/support/server.js'
import { until, within } from '../../../../test/support/wait.js'
import { attach } from '../../src/index.js'

// A server that is busy when its drain begins: each turn of its loop takes long, and brings one connection. Its clients come back on a new connection for each request.

const opened = endedAfterEach()
/** Milliseconds of CPU that a request takes. */
const BUSY = 10
const CLIENTS = 60

interface Seen {
  readonly answered: number
  readonly refused: number
  readonly lost: readonly string[]
}

const busily = (res: { end(text: string): unknown }) => {
  const end = performance.now() + BUSY
  while (performance.now() < end);
  res.end('done')
}
const answer: RequestListener = (_req, res) => busily(res)

test.each([
  ['http', () => http.createServer(answer)],
  ['https', () => https.createServer(credentials, answer)],
  ['http2', () => http2.createServer((_req, res) => busily(res))],
  ['https2', () => http2.createSecureServer(credentials, (_req, res) => busily(res))],
] as const)(
  '%s: the listener of a busy server closes within seconds, and each client that it has accepted is answered',
  async (kind, make) => {
    const server = make()
    const connections = attach(server, { logger: quiet })
    const port = await opened.listen(server)
    const clients = fork(join(import.meta.dirname, 'clients.mjs'), [kind, String(port), String(CLIENTS)])
    opened.after(() => clients.kill())
    await within(once(server, 'request'), () => 'the first request')
    await until('two requests of each client', () => connections.stats().requests.received >= 2 * CLIENTS)
    const drain = connections.drain()
    const began = performance.now()
    let listened = 0
    while (server.listening) {
      await new Promise((resolve) => setImmediate(resolve))
      listened = performance.now() - began
    }
    const report = await within(drain, () => 'the drain')
    clients.send('end')
    const [seen]: Seen[] = await within(once(clients, 'message'), () => 'what the clients have seen')
    // The accept queue was taken for 512 turns: five seconds, and for a slower server beyond the deadline of its drain.
    expect(listened).toBeLessThan(512 * BUSY * 0.8)
    expect(report).toMatchObject({ clean: true, requests: { cut: 0 } })
    // A handshake may come to its end between the last accept() and the close.
    expect(seen?.lost.length).toBeLessThanOrEqual(1)
    expect(seen?.answered).toBeGreaterThan(2 * CLIENTS)
  },
)

test.each([
  ['http', () => http.createServer(answer)],
  ['http2', () => http2.createServer((_req, res) => busily(res))],
] as const)(
  '%s: a process that stood still beyond the deadline of its drain answers those that wait in its accept queue',
  async (kind, make) => {
    const server = make()
    const connections = attach(server, { logger: quiet, drain: { deadline: 300 } })
    const port = await opened.listen(server)
    const clients = fork(join(import.meta.dirname, 'clients.mjs'), [kind, String(port), String(CLIENTS)])
    opened.after(() => clients.kill())
    const drain = connections.drain()
    // The clients start and connect meanwhile.
    const end = performance.now() + 2_000
    while (performance.now() < end);
    await within(drain, () => 'the drain')
    clients.send('end')
    const [seen]: Seen[] = await within(once(clients, 'message'), () => 'what the clients have seen')
    expect(seen?.lost).toEqual([])
    expect(seen?.answered).toBe(CLIENTS)
  },
)

test("a 'connection' listener that throws for one of the connections that wait costs none of the others", async () => {
  const files = ['throwing-server.mjs', 'clients.mjs'].map((name) => join(import.meta.dirname, name))
  const { stdout } = await promisify(execFile)(process.execPath, [...files, String(CLIENTS)])
  const { seen, uncaught }: { seen: Seen; uncaught: string[] } = JSON.parse(stdout)
  expect(uncaught).toEqual(['the listener failed'])
  expect(seen.answered).toBeGreaterThanOrEqual(CLIENTS - 1)
  expect(seen.lost.length).toBeLessThanOrEqual(1)
})

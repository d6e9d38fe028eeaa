import { equal, ok } from 'node:assert/strict'
import type { Client } from '../../support/client.js'
import { type Case, frameworks } from '../../support/contract.js'
import { closesWith } from '../../support/expect.js'
import { filled } from '../../support/filler.js'
import type { Route } from '../../support/host.js'
import { get, postHead } from '../../support/requests.js'
import { pass, until } from '../../support/wait.js'

const MiB = 1024 * 1024
const page = 'error page '.repeat(40_000)
const routes: Record<string, Route> = {
  '/too-large': (_req, res) => void res.writeHead(413, { Connection: 'close', 'Content-Length': 9 }).end('too large'),
  '/error-page': (_req, res) => void res.writeHead(500, { Connection: 'close', 'Content-Length': page.length }).end(page),
  '/large': (_req, res) => void res.writeHead(200, { Connection: 'close' }).end(filled(24 * MiB)),
}

/** Sends a byte now and then until the connection is gone, and says how long that took. */
async function drip(client: Client, everyMs: number, atMost = 15_000): Promise<number> {
  const began = Date.now()
  for (let n = 0; !client.gone && n < atMost / everyMs; n++) {
    await client.send('x')
    await pass(everyMs)
  }
  return Date.now() - began
}

/** A client that got its early answer and the FIN, and is in the middle of an upload that nobody wants. */
async function refusedUpload(client: Client): Promise<void> {
  void client.send(postHead('/too-large', 1_000 * MiB))
  void client.send('the beginning')
  const answer = await client.next()
  equal(answer.status, 413)
  await closesWith(client, answer)
}

const cases: Case[] = [
  {
    id: 'linger/early-413',
    alone: true,
    rules: ['R063', 'R064', 'R116', 'R123', 'R190'],
    title: 'a client that writes 20 MB before it reads gets its 413, ten times of ten',
    run: async (host) => {
      const body = filled(20 * MiB)
      for (let time = 1; time <= 10; time++) {
        const client = await host.connect()
        const sent = await client.sendBeforeReading(postHead('/too-large', body.length), body)
        ok(sent, `the upload broke off at time ${time}: the answer is lost\n${client}`)
        const answer = await client.next()
        equal(answer.status, 413)
        equal(answer.text, 'too large')
        await closesWith(client, answer)
      }
    },
  },
  {
    id: 'linger/native-413',
    alone: true,
    rules: ['R116', 'R161', 'R190'],
    title: "the framework's own 413 reaches a client that writes 20 MB before it reads",
    hosts: frameworks,
    run: async (host) => {
      const client = await host.connect()
      const head = postHead('/native/upload', 20 * MiB).replace('application/octet-stream', 'application/json')
      ok(await client.sendBeforeReading(head, Buffer.alloc(20 * MiB, ' ')), `the upload broke off\n${client}`)
      equal((await client.next()).status, 413)
    },
  },
  {
    id: 'linger/error-page',
    alone: true,
    rules: ['R001', 'R116', 'R190'],
    title: 'a 400 KB error page arrives whole in the middle of an upload',
    run: async (host) => {
      const client = await host.connect()
      ok(await client.sendBeforeReading(postHead('/error-page', 50 * MiB), filled(12 * MiB)), `broke off\n${client}`)
      const answer = await client.next()
      equal(answer.status, 500)
      equal(answer.text, page)
      await closesWith(client, answer)
    },
  },
  {
    id: 'linger/goes-on-reading',
    alone: true,
    rules: ['R062', 'R065', 'R066', 'R124', 'R191'],
    title: 'output is closed first; what the client still sends is read and discarded',
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      await refusedUpload(client)
      const poured = await client.pour(Buffer.alloc(64 * 1024, 'x'), 20 * MiB)
      equal(poured.end, 'limit', `the server stopped reading after ${poured.taken} bytes\n${client}`)
      client.fin()
      await client.over()
    },
  },
  {
    id: 'linger/ends-with-the-client',
    rules: ['R065', 'R113'],
    title: "the client's FIN ends the reading at once",
    regression: true,
    options: { linger: { quiet: 20_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.ask(get('/a', 'Connection: close'))
      await client.closed()
      await until('the server to let go', async () => (await host.openConnections()) === 0)
    },
  },
  {
    id: 'linger/quiet',
    rules: ['R066'],
    title: 'a client that stays, but says nothing, is let go after linger.quiet',
    options: { linger: { quiet: 2_500 } },
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      await client.ask(get('/a', 'Connection: close'))
      await client.closed()
      await pass(400)
      equal(await host.openConnections(), 1)
      await until('the server to let go', async () => (await host.openConnections()) === 0)
    },
  },
  {
    id: 'linger/never-ending',
    alone: true,
    rules: ['R066', 'R206', 'R012'],
    title: 'a client that never stops sending is cut at linger.bytes',
    options: { linger: { bytes: 24 * MiB, quiet: 20_000, total: 60_000 } },
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      await refusedUpload(client)
      const poured = await client.pour(Buffer.alloc(64 * 1024, 'x'), 200 * MiB, 4_000)
      equal(poured.end, 'gone', `${client}`)
      ok(poured.taken >= 23 * MiB, `cut after ${poured.taken} bytes`)
    },
  },
  {
    id: 'linger/dripping',
    rules: ['R066', 'R206'],
    title: 'a client that drips a byte at a time is cut at linger.total, not before',
    options: { linger: { quiet: 1_000, total: 2_500 } },
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      await refusedUpload(client)
      const ms = await drip(client, 150)
      ok(ms >= 2_000, `cut after ${ms} ms`)
      ok(client.gone, 'never cut')
    },
  },
  {
    id: 'linger/too-many',
    rules: ['R066', 'R011'],
    title: 'over linger.connections the oldest goes',
    options: { linger: { connections: 2, quiet: 20_000, total: 60_000 } },
    run: async (host) => {
      const clients: Client[] = []
      for (let n = 0; n < 3; n++) {
        const client = await host.connect({ obliging: false })
        await refusedUpload(client)
        clients.push(client)
      }
      const [oldest, ...others] = clients
      ok(oldest !== undefined)
      await drip(oldest, 20)
      await until('two left', async () => (await host.openConnections()) === 2)
      for (const other of others) {
        await drip(other, 40, 200)
        ok(!other.gone, `one of the younger is gone\n${other}`)
      }
    },
  },
  {
    id: 'linger/slow-reader',
    rules: ['R001', 'R115'],
    title: 'while unsent output still makes progress the connection is not let go',
    regression: true,
    options: { linger: { quiet: 500 } },
    run: async (host) => {
      const client = await host.connect()
      void client.send(get('/large'))
      const answer = await client.head(0)
      for (let read = 0; !answer.complete && read < 200; read++) {
        client.stream.pause()
        await pass(80)
        const before = answer.length
        client.stream.resume()
        await until('more of the body', () => answer.complete || answer.length >= before + MiB)
      }
      equal((await client.next()).length, 24 * MiB)
    },
  },
]

/** The output-first close (RFC 9112 section 9.6), and its bounds. */
export const linger: Case[] = cases.map((one) => ({ routes, ...one }))

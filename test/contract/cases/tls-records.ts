import { equal, ok } from 'node:assert/strict'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closes } from '../../support/expect.js'
import type { Host } from '../../support/host.js'
import { get, postHead } from '../../support/requests.js'
import { ClientKeys, nextSecret } from '../../support/tls-keys.js'
import { pass } from '../../support/wait.js'

/** How much of the record arrives at first: its header, and some of the ciphertext. */
const BEGINNING = 20

/** What TLS makes of the next data, which is not sent. */
async function recordOf(client: Client, data: string | Buffer): Promise<Buffer> {
  const { raw } = client
  const held: Buffer[] = []
  const hold = (chunk: Buffer, done: (error?: Error | null) => void): boolean => {
    held.push(chunk)
    done()
    return true
  }
  Object.assign(raw, { write: hold })
  await client.send(data)
  Reflect.deleteProperty(raw, 'write')
  const record = Buffer.concat(held)
  ok(record.length > BEGINNING)
  return record
}

/** Sends the first bytes of the record in which a request stands. Returns a function that sends the rest. */
async function sendBeginning(client: Client, request: string): Promise<() => void> {
  const record = await recordOf(client, request)
  client.raw.write(record.subarray(0, BEGINNING))
  return () => void client.raw.write(record.subarray(BEGINNING))
}

/** A drain begins while a part of a record has arrived. The request in it is answered. */
async function answeredAfterSignal(host: Host, client: Client): Promise<void> {
  const sendRest = await sendBeginning(client, get('/slow-record'))
  await pass(200) // the server has read it
  await host.stopping()
  await pass(500)
  sendRest()
  closes(await client.next())
  equal(client.last.text, '/slow-record')
}

/** A body of one record, as long as records may be; and its sender on a slow link, which needs `ms` for it. */
const BODY = 16_000
async function sendSlowly(client: Client, ms: number): Promise<void> {
  const record = await recordOf(client, Buffer.alloc(BODY))
  const piece = Math.ceil(record.length / (ms / 100))
  for (let at = 0; at < record.length && !client.gone; at += piece) {
    client.raw.write(record.subarray(at, at + piece))
    await pass(100)
  }
}

/** A client over TLS 1.3 that has a promise, and the keys with which its next records are encrypted. */
async function clientWithKeys(host: Host): Promise<{ client: Client; keys: ClientKeys }> {
  const secret = nextSecret(host.server)
  const client = await host.idleClient({ secure: { ciphers: 'TLS_AES_256_GCM_SHA384', minVersion: 'TLSv1.3' } })
  return { client, keys: new ClientKeys(await secret, 1) }
}

const cases: Case[] = [
  {
    id: 'tls-records/idle',
    rules: ['R056', 'R126'],
    title: 'a request whose TLS record has arrived in part is not cut by the idle deadline',
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient()
      const sendRest = await sendBeginning(client, get('/slow-record'))
      await pass(3_000)
      sendRest()
      equal((await client.next()).text, '/slow-record')
    },
  },
  {
    id: 'tls-records/drain',
    rules: ['R126', 'R204'],
    title: 'nor by a drain that waits for no idle connection',
    options: { drain: { idle: 0, silent: 0 } },
    run: async (host) => {
      const client = await host.idleClient()
      await answeredAfterSignal(host, client)
    },
  },
  {
    id: 'tls-records/behind-several',
    rules: ['R126', 'R204'],
    title: 'nor where several requests have followed each other quickly before',
    options: { drain: { idle: 0, silent: 0 } },
    run: async (host) => {
      const client = await host.idleClient()
      for (const path of ['/second', '/third']) equal((await client.ask(get(path))).text, path)
      await answeredAfterSignal(host, client)
    },
  },
  {
    id: 'tls-records/silent',
    rules: ['R126', 'R204'],
    title: 'nor is the first request of a connection by a drain that waits for no silent one',
    options: { drain: { idle: 0, silent: 0 } },
    run: async (host) => {
      const client = await host.connect()
      await pass(200) // the handshake is over at the server, too
      await answeredAfterSignal(host, client)
    },
  },
  {
    id: 'tls-records/linger',
    rules: ['R116', 'R124', 'R126'],
    title:
      'a client that needs longer than linger.quiet for a record of its body is one that sends: it is not reset behind its answer',
    routes: { '/early': (_req, res) => void res.writeHead(413, { Connection: 'close', 'Content-Length': 0 }).end() },
    options: { linger: { quiet: 500 } },
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      await client.send(postHead('/early', 10 * BODY))
      equal((await client.next()).status, 413)
      await sendSlowly(client, 2_000)
      ok(!client.gone, `${client}`)
      equal(client.ending, 'fin')
    },
  },
  {
    id: 'tls-records/unread',
    rules: ['R115', 'R126'],
    title: 'so is one whose request was answered before its body came: a drain waits for the body, and answers what follows',
    routes: { '/early': (_req, res) => void res.writeHead(413, { 'Content-Length': 0 }).end() },
    options: { linger: { quiet: 500 }, drain: { delay: 0, deadline: 60_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/early', BODY))
      equal((await client.next()).status, 413)
      void host.stop()
      await sendSlowly(client, 2_000)
      closes(await client.ask(get('/next')))
    },
  },
  {
    id: 'tls-records/without-data-idle',
    rules: ['R126'],
    title: 'a record without data (a new key) is no request: it is closed when it has been idle for long enough',
    slow: true,
    regression: true,
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const { client, keys } = await clientWithKeys(host)
      client.raw.write(keys.update())
      equal(await client.closed(40_000), 'fin')
    },
  },
  {
    id: 'tls-records/without-data-drain',
    rules: ['R126', 'R204'],
    title: 'nor does a drain wait for its request to its deadline',
    slow: true,
    regression: true,
    options: { drain: { idle: 0, silent: 0, delay: 0, deadline: 60_000 } },
    run: async (host) => {
      const { client, keys } = await clientWithKeys(host)
      client.raw.write(keys.update())
      await pass(500)
      await host.stopping()
      equal(await client.closed(40_000), 'fin')
    },
  },
  {
    id: 'tls-records/behind-without-data',
    rules: ['R126', 'R204'],
    title:
      'the request behind such a record is answered, also if a part of its own record arrives before a drain, and the rest behind the signal',
    options: { drain: { idle: 0, silent: 0 } },
    run: async (host) => {
      const { client, keys } = await clientWithKeys(host)
      client.raw.write(keys.update())
      await pass(200)
      client.raw.write(keys.data(get('/behind')))
      equal((await client.next()).text, '/behind')
      const record = keys.data(get('/slow-record'))
      client.raw.write(record.subarray(0, BEGINNING))
      await pass(200)
      await host.stopping()
      await pass(500)
      client.raw.write(record.subarray(BEGINNING))
      closes(await client.next())
      equal(client.last.text, '/slow-record')
    },
  },
  {
    id: 'tls-records/read-together',
    rules: ['R126', 'R204'],
    title:
      'a drain that waits for no idle connection answers a request whose record began in the read that brought the request before it',
    options: { drain: { idle: 0, silent: 0 } },
    run: async (host) => {
      const { client, keys } = await clientWithKeys(host)
      const first = keys.data(get('/first'))
      const second = keys.data(get('/second'))
      client.raw.write(Buffer.concat([first, second.subarray(0, BEGINNING)]))
      equal((await client.next()).text, '/first')
      await host.stopping()
      await pass(100)
      client.raw.write(second.subarray(BEGINNING))
      closes(await client.next())
      equal(client.last.text, '/second')
    },
  },
  {
    id: 'tls-records/upload',
    rules: ['R126', 'R202', 'R207'],
    title: 'a slow upload is not cut by drain.minRate for a record that takes eight seconds to arrive',
    regression: true,
    options: { drain: { delay: 0, deadline: 60_000, minRate: 240 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/upload', BODY))
      await host.request('/upload')
      void host.stop()
      await sendSlowly(client, 8_000)
      equal((await client.next()).text, `/upload ${BODY}`)
    },
  },
]

/** A request may stand in a TLS record that has arrived in part. */
export const tlsRecords: Case[] = cases.map((one) => ({ hosts: ['https'], ...one }))

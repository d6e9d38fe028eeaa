import { equal, ok } from 'node:assert/strict'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closes } from '../../support/expect.js'
import { get } from '../../support/requests.js'
import { pass } from '../../support/wait.js'

/** How much of the record arrives at first: its header, and some of the ciphertext. */
const BEGINNING = 20

/** Sends the first bytes of the TLS record in which a request stands. Returns a function that sends the rest. */
async function sendBeginning(client: Client, request: string): Promise<() => void> {
  const { raw } = client
  const held: Buffer[] = []
  const hold = (chunk: Buffer, done: (error?: Error | null) => void): boolean => {
    held.push(chunk)
    done()
    return true
  }
  Object.assign(raw, { write: hold })
  await client.send(request)
  Reflect.deleteProperty(raw, 'write')
  const record = Buffer.concat(held)
  ok(record.length > BEGINNING)
  raw.write(record.subarray(0, BEGINNING))
  return () => void raw.write(record.subarray(BEGINNING))
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
      const sendRest = await sendBeginning(client, get('/slow-record'))
      await pass(200) // the server has read it
      await host.stopping()
      await pass(500)
      sendRest()
      closes(await client.next())
      equal(client.last.text, '/slow-record')
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
      const sendRest = await sendBeginning(client, get('/slow-record'))
      await pass(200)
      await host.stopping()
      await pass(500)
      sendRest()
      closes(await client.next())
      equal(client.last.text, '/slow-record')
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
      const sendRest = await sendBeginning(client, get('/slow-record'))
      await pass(200)
      await host.stopping()
      await pass(500)
      sendRest()
      closes(await client.next())
      equal(client.last.text, '/slow-record')
    },
  },
]

/** A request may stand in a TLS record that has arrived in part. */
export const tlsRecords: Case[] = cases.map((one) => ({ hosts: ['https'], ...one }))

import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import type { Client } from '../../support/client.js'
import { type Case, withInterval } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Host } from '../../support/host.js'
import { get, post } from '../../support/requests.js'
import { pass } from '../../support/wait.js'

const HEADERS = 300

const half = (request: string): string => request.slice(0, request.indexOf('Host') + 2)
const rest = (request: string): string => request.slice(request.indexOf('Host') + 2)
const late = get('/late')
const upload = post('/upload', '0123456789')

/** A request whose answer takes longer than a head may, and this behind it. */
const behindHeld = async (host: Host, client: Client, behind: string): Promise<ServerResponse> => {
  await client.send(get('/held') + behind)
  const { res } = await host.request('/held')
  await pass(3 * HEADERS)
  equal(client.statuses, '')
  return res
}

const cases: Case[] = [
  {
    id: 'late-head/after-answer',
    rules: ['R092', 'R096', 'R108'],
    title:
      'a head that is half sent while another request is answered has its time when that is done: it is answered, and so is the next one',
    run: async (host) => {
      const client = await host.connect()
      const res = await behindHeld(host, client, half(late))
      res.end('held')
      keeps(await client.next())
      await client.send(rest(late))
      equal((await client.next()).text, '/late')
      equal((await client.ask(get('/next'))).text, '/next')
    },
  },
  {
    id: 'late-head/before-answer',
    rules: ['R092', 'R096', 'R108'],
    title:
      'a head that was late while another request was answered, and is whole before the answer, is answered, and no 408 follows',
    run: async (host) => {
      const client = await host.connect()
      const res = await behindHeld(host, client, half(late))
      await client.send(rest(late))
      await pass(100)
      res.end('held')
      keeps(await client.next())
      equal((await client.next()).text, '/late')
      // Were its time still running it would be over now.
      await pass(2 * HEADERS)
      equal((await client.ask(get('/next'))).text, '/next')
      equal(client.statuses, '200 200 200')
    },
  },
  {
    id: 'late-head/behind-several',
    rules: ['R092', 'R108'],
    title: 'a head that is half sent behind several requests has its time when the last of them is answered',
    run: async (host) => {
      const client = await host.connect()
      const res = await behindHeld(host, client, get('/second') + get('/third') + half(late))
      res.end('held')
      deepEqual(
        (await client.take(3)).map(({ text }) => text),
        ['held', '/second', '/third'],
      )
      keeps(client.last)
      await client.send(rest(late))
      equal((await client.next()).text, '/late')
      equal((await client.ask(get('/next'))).text, '/next')
    },
  },
  ...['', get('/second')].map(
    (between): Case => ({
      id: between === '' ? 'late-head/never' : 'late-head/never-behind-several',
      rules: ['R092', 'R160', 'R108'],
      title: `a head that never ends gets its 408 in its own time, begun when ${between === '' ? 'the request' : 'the last request'} before it is answered`,
      run: async (host) => {
        const client = await host.connect()
        const res = await behindHeld(host, client, between + half(late))
        const began = Date.now()
        res.end('held')
        keeps(await client.next())
        if (between !== '') equal((await client.next()).text, '/second')
        equal((await client.next()).status, 408)
        ok(Date.now() - began >= HEADERS, `after ${Date.now() - began} ms`)
        equal(await client.closed(), 'fin')
      },
    }),
  ),
  {
    id: 'late-head/close',
    rules: ['R096', 'R120'],
    title: 'a head that was late behind an answer that says close gets nothing, whether it is completed or not',
    run: async (host) => {
      for (const completes of [true, false]) {
        const client = await host.connect()
        await client.send(get('/held') + half(late))
        const { res } = await host.request('/held', completes ? 1 : 2)
        await pass(3 * HEADERS)
        if (completes) await client.send(rest(late))
        res.setHeader('Connection', 'close')
        res.end('held')
        await closesWith(client, await client.next())
        equal(client.statuses, '200')
      }
      deepEqual(host.paths, ['/held', '/held'])
    },
  },
  {
    id: 'late-head/drain',
    rules: ['R092', 'R108'],
    title: 'a head that was late behind an answer, and is completed in a drain, is answered with close',
    options: { drain: { delay: 0, deadline: 20_000 } },
    run: async (host) => {
      const client = await host.connect()
      const res = await behindHeld(host, client, half(late))
      res.end('held')
      keeps(await client.next())
      await host.stopping()
      await client.send(rest(late))
      await closesWith(client, await client.next())
      equal(client.last.text, '/late')
    },
  },
  {
    id: 'late-head/drain-before-answer',
    rules: ['R092', 'R108'],
    title: 'in a drain the answer before a head that was late is the last one, and nothing follows it',
    options: { drain: { delay: 0, deadline: 20_000 } },
    run: async (host) => {
      const client = await host.connect()
      const res = await behindHeld(host, client, half(late))
      await host.stopping()
      res.end('held')
      await closesWith(client, await client.next())
      equal(client.statuses, '200')
      ok((await host.report()).clean)
    },
  },
  ...([true, false] as const).map(
    (whole): Case => ({
      id: `late-head/body-${whole ? 'whole' : 'never'}`,
      rules: ['R092', 'R160'],
      title: `the body of a request whose head was late ${whole ? 'arrives in its own time' : 'is bounded by requestTimeout, from when it is handed over'}`,
      run: async (host) => {
        const client = await host.connect()
        const res = await behindHeld(host, client, half(upload))
        await client.send(rest(upload).slice(0, -5))
        await pass(100)
        res.end('held')
        keeps(await client.next())
        await host.request('/upload')
        if (whole) {
          await client.send(upload.slice(-5))
          equal((await client.next()).text, '/upload 10')
          equal((await client.ask(get('/next'))).text, '/next')
        } else {
          equal((await client.next()).status, 408)
          equal(await client.closed(), 'fin')
        }
      },
    }),
  ),
  {
    id: 'late-head/body-after-answer',
    rules: ['R092', 'R160'],
    title: 'the body of a request whose late head was completed after the answer before it is bounded by requestTimeout, too',
    run: async (host) => {
      const client = await host.connect()
      const res = await behindHeld(host, client, half(upload))
      res.end('held')
      keeps(await client.next())
      await client.send(rest(upload).slice(0, -5))
      equal((await client.next()).status, 408)
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'late-head/leaves',
    rules: ['R092', 'R113'],
    title: 'a client that leaves amid a head that was late is gone at once',
    regression: true,
    options: { keepAlive: { timeout: 5_000, hold: 60_000 } },
    server: { headersTimeout: 2_000, requestTimeout: 60_000, connectionsCheckingInterval: 50 },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held') + half(late))
      const { res } = await host.request('/held')
      await pass(2_500)
      res.end('held')
      await client.next()
      client.fin()
      equal(await client.closed(1_500), 'fin')
    },
  },
]

/** headersTimeout strikes a request that is half sent behind one that is being answered: that is no failure. */
export const lateHeads: Case[] = cases.map((one) => ({
  hosts: withInterval,
  server: { headersTimeout: HEADERS, requestTimeout: 2 * HEADERS, connectionsCheckingInterval: 50 },
  ...one,
}))

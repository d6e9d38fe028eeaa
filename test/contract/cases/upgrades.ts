import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import { ask, get, get10, pipeline } from '../../support/requests.js'
import { until } from '../../support/wait.js'
import { echo, upgradeTo } from './gate-special.js'

const UPGRADE = ['Connection: Upgrade', 'Upgrade: echo'] as const
const old = (...lines: string[]) => get10('/upload', ...UPGRADE, ...lines).replace('GET', 'POST')

/** An HTTP/1.0 client knows no Upgrade, and no body may seem to be empty. */
const oldBody = (id: string, what: string, request: string, bytes: number): Case => ({
  id: `upgrades/http10-${id}`,
  rules: ['R144', 'R083'],
  title: `HTTP/1.0 with Upgrade and a body, ${what}: the body arrives, or the request is refused`,
  run: async (host) => {
    const upgrades = echo(host, 'upgrade')
    const client = await host.connect()
    void client.send(request)
    const answer = await client.next()
    ok(answer.status >= 400 || answer.text === `/upload ${bytes}`, `${answer} ${answer.text}`)
    await closesWith(client, answer)
    deepEqual(upgrades.list, [])
    deepEqual(host.paths, answer.status >= 400 ? [] : ['/upload'])
  },
})

/** What is behind a request that wants to be upgraded, where nobody upgrades it: answered, or told that it is not. */
const behind = (id: string, what: string, request: string, pieces = 1): Case => ({
  id: `upgrades/ignored-${id}`,
  rules: ['R141', 'R050', 'R122'],
  title: `a request behind an Upgrade that nobody heeds, ${what}, is answered, unless close was said`,
  run: async (host) => {
    const client = await host.connect()
    const bytes = pipeline(request, get('/next'))
    for (let i = 0; i < pieces; i++) {
      await client.send(bytes.slice((i * bytes.length) / pieces, ((i + 1) * bytes.length) / pieces))
    }
    for (let i = 0; i < 3; i++) {
      const answer = await client.next()
      equal(answer.status, 200)
      if (answer.text === '/next') return
      if (answer.closes) return closesWith(client, answer)
    }
  },
})

/** It was accepted before the drain began: no 503, and it counts as finished. */
const waited = (event: 'upgrade' | 'connect', request: string): Case => ({
  id: `upgrades/waited-${event}`,
  rules: ['R146', 'R080'],
  title: `${event === 'upgrade' ? 'an upgrade' : 'a CONNECT'} that waits behind a slow answer when a drain begins is served`,
  options: { drain: { deadline: 8_000 } },
  run: async (host) => {
    const taken = echo(host, event)
    const client = await host.connect()
    void client.send(pipeline(get('/held'), request))
    const { res } = await host.request('/held')
    // What was read with it waits behind it.
    await host.stopping()
    res.end('held')
    equal((await client.next()).text, 'held')
    const answer = await client.next()
    equal(answer.status, event === 'upgrade' ? 101 : 200)
    await client.send('hello')
    await until('hello through the tunnel', () => Buffer.concat(client.parser.tunnel).toString() === 'hello')
    equal(taken.list.length, 1)
    client.fin()
    equal(await client.closed(), 'fin')
    const { clean, requests } = await host.report()
    ok(clean)
    deepEqual(requests, { finished: 2, rescued: 0, cut: 0 })
  },
})

/** Requests with an Upgrade that is not heeded. */
export const upgrades: Case[] = [
  oldBody('length', 'of a declared length', `${old('Content-Length: 10')}0123456789`, 10),
  oldBody('chunked', 'chunked', `${old('Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`, 3),
  oldBody('expecting', 'with an expectation', `${old('Expect: 100-continue', 'Content-Length: 3')}abc`, 3),
  behind('get', 'read with it', upgradeTo('/chat')),
  behind('body', 'read with its body', `${ask('POST', '/chat', ...UPGRADE, 'Content-Length: 3')}abc`),
  behind(
    'chunked',
    'read with its chunked body',
    `${ask('POST', '/chat', ...UPGRADE, 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n\r\n`,
  ),
  behind('in-pieces', 'read in pieces', upgradeTo('/chat'), 2),
  behind('third', 'read with it and one before', pipeline(get('/before'), upgradeTo('/chat'))),
  waited('upgrade', upgradeTo('/chat')),
  waited('connect', ask('CONNECT', 'a:1')),
  {
    id: 'upgrades/dropped-is-counted',
    rules: ['R122', 'R192'],
    title: 'an upgrade that waits behind an answer that says close is not run, and counted',
    run: async (host) => {
      const upgrades = echo(host, 'upgrade')
      const client = await host.connect()
      void client.send(pipeline(get('/held'), upgradeTo('/chat')))
      const { res } = await host.request('/held')
      res.setHeader('Connection', 'close')
      res.end('held')
      const answer = await client.next()
      equal(answer.text, 'held')
      await closesWith(client, answer)
      deepEqual(upgrades.list, [])
      deepEqual(host.connections.stats().requests, { received: 1, finished: 1, cut: 0, aborted: 0, dropped: 1 })
    },
  },
  {
    id: 'upgrades/refused-is-counted',
    rules: ['R080', 'R192'],
    title: 'a CONNECT that nobody wants is refused, and counted',
    run: async (host) => {
      const client = await host.connect()
      const answer = await client.ask(ask('CONNECT', 'a:1'))
      equal(answer.status, 501)
      await closesWith(client, answer)
      deepEqual(host.connections.stats().requests, { received: 0, finished: 0, cut: 0, aborted: 0, dropped: 1 })
    },
  },
  {
    id: 'upgrades/ignored-keeps',
    rules: ['R141', 'R097'],
    title: 'a request with an Upgrade that nobody heeds keeps its connection where nothing came with it',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      keeps(await client.ask(upgradeTo('/chat')), 'timeout=5')
      keeps(await client.ask(`${ask('POST', '/chat', ...UPGRADE, 'Content-Length: 3')}abc`), 'timeout=5')
      keeps(await client.ask(get('/next')), 'timeout=5')
    },
  },
]

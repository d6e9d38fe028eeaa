import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { ask, get, get10, pipeline, postHead } from '../../support/requests.js'
import { Arrivals, pass, within } from '../../support/wait.js'
import { echo, upgradeTo } from './gate-special.js'

const expecting = (path: string) => ask('POST', path, 'Expect: 100-continue', 'Content-Length: 4')
const routes: Record<string, Route> = {
  '/upgrade-required': (_req, res) => void res.writeHead(426, { Upgrade: 'echo' }).end('use echo'),
  '/early': (_req, res) => void res.end('no need to see it all'),
}

const cases: Case[] = [
  {
    id: 'conformance/upgrade-ignored',
    rules: ['R141'],
    title: 'a server that does not want the upgrade ignores it, and goes on in HTTP/1.1 on the connection',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const answer = await client.ask(upgradeTo('/chat'))
      equal(answer.status, 200)
      keeps(answer)
      equal((await client.ask(get('/next'))).text, '/next')
    },
  },
  {
    id: 'conformance/upgrade-without-its-option',
    rules: ['R138', 'R142'],
    title: 'an Upgrade field that Connection does not name was forwarded in error: it is ignored',
    regression: true,
    run: async (host) => {
      const upgrades = echo(host, 'upgrade')
      const client = await host.connect()
      void client.send(pipeline(get('/chat', 'Upgrade: echo'), get('/chat', 'Connection: Upgrade'), get('/next')))
      for (const answer of await client.take(3)) keeps(answer)
      equal(client.statuses, '200 200 200')
      deepEqual(upgrades.list, [])
    },
  },
  {
    id: 'conformance/upgrade-in-http10',
    rules: ['R144'],
    title: 'Upgrade is ignored in an HTTP/1.0 request',
    run: async (host) => {
      const upgrades = echo(host, 'upgrade')
      const client = await host.connect()
      const answer = await client.ask(get10('/chat', 'Connection: Upgrade', 'Upgrade: echo'))
      deepEqual(upgrades.list, [])
      equal(answer.status, 200)
      await closesWith(client, answer)
    },
  },
  {
    id: 'conformance/upgrade-required',
    rules: ['R143', 'R134'],
    title: 'a 426 that carries Upgrade names it in Connection',
    run: async (host) => {
      const client = await host.connect()
      const answer = await client.ask(get('/upgrade-required'))
      equal(answer.status, 426)
      equal(answer.header('upgrade'), 'echo')
      match(answer.header('connection') ?? '', /(^|[\s,])upgrade([\s,]|$)/i)
      keeps(answer)
    },
  },
  {
    id: 'conformance/continue-before-switching',
    rules: ['R145'],
    title: 'with both Upgrade and Expect: 100-continue, the 100 comes before the 101',
    run: async (host) => {
      echo(host, 'upgrade')
      const client = await host.connect()
      const answer = await client.ask(get('/chat', 'Connection: Upgrade', 'Upgrade: echo', 'Expect: 100-continue'))
      equal(answer.status, 101)
      equal(client.interim.list.map(({ status }) => status).join(' '), '100')
    },
  },
  {
    id: 'conformance/no-continue-in-http10',
    rules: ['R150', 'R159'],
    title: '100-continue is ignored in an HTTP/1.0 request',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send('POST /upload HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n')
      await host.request('/upload')
      await pass(100)
      void client.send('body')
      await closesWith(client, await client.next())
      equal(client.last.text, '/upload 4')
      equal(client.interim.list.length, 0)
    },
  },
  {
    id: 'conformance/continue-though-the-body-came',
    rules: ['R151', 'R152'],
    title: 'where the content comes with the expectation a 100 may be omitted; there is one final answer either way',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(`${expecting('/upload')}body`, get('/next')))
      equal((await client.next()).text, '/upload 4')
      equal((await client.next()).text, '/next')
      ok(client.interim.list.length <= 1)
    },
  },
  {
    id: 'conformance/early-answer-says-what-follows',
    rules: ['R153'],
    title: 'a final answer before all of the content says whether the server closes or goes on reading, and it does so',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(`${postHead('/early', 8)}half`)
      const answer = await client.next()
      match(answer.header('connection') ?? '', /^(close|keep-alive)$/i)
      if (answer.closes) return closesWith(client, answer)
      await client.send('rest')
      equal((await client.ask(get('/next'))).text, '/next')
    },
  },
  {
    id: 'conformance/refused-expectation',
    rules: ['R155', 'R104'],
    title: 'where the 100 was refused nobody knows whether the content follows: it is not taken for the next request',
    regression: true,
    run: async (host) => {
      const asked = new Arrivals<string>()
      host.server.on('checkContinue', (req, res) => {
        asked.push(req.url ?? '')
        res.writeHead(401).end('no')
      })
      const client = await host.connect()
      void client.send(expecting('/upload'))
      await within(asked.at(0), () => 'checkContinue')
      const answer = await client.next()
      equal(answer.status, 401)
      void client.send(get('/smuggled'))
      await closesWith(client, answer)
      ok(!host.paths.includes('/smuggled'))
    },
  },
]

/** Upgrade and 100-continue (RFC 9110 sections 7.8 and 10.1.1): who speaks next. */
export const conformanceSwitching: Case[] = cases.map((one) => ({ routes, ...one }))

import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { keeps } from '../../support/expect.js'
import { filled } from '../../support/filler.js'
import type { Route } from '../../support/host.js'
import { get, postHead } from '../../support/requests.js'
import { until } from '../../support/wait.js'

const MiB = 1024 * 1024

/** Every way in which a handler may break off. */
const ways: Record<string, Route> = {
  '/req': (req) => void req.destroy(),
  '/req-error': (req) => void req.destroy(new Error('broken off')),
  '/res': (_req, res) => void res.destroy(),
  '/res-error': (_req, res) => void res.destroy(new Error('broken off')),
  '/socket': (req) => void req.socket.destroy(),
  '/socket-null': (req) => void Reflect.apply(req.socket.destroy, req.socket, [null]),
  '/socket-undefined': (req) => void Reflect.apply(req.socket.destroy, req.socket, [undefined]),
  '/socket-soon': (req) => void req.socket.destroySoon(),
  '/socket-end': (req) => void req.socket.end(),
}

/** What was thrown into a handler. */
const thrown: string[] = []

const guarded =
  (way: Route): Route =>
  (req, res, host) => {
    req.on('error', () => {})
    res.on('error', () => {})
    try {
      way(req, res, host)
    } catch (error) {
      thrown.push(`${host.name} ${req.url}: ${error}`)
    }
  }

const routes: Record<string, Route> = {
  ...Object.fromEntries(Object.entries(ways).map(([path, way]) => [path, guarded(way)])),
  '/answers-first': guarded((req, res) => void res.writeHead(413, { Connection: 'close' }).end('too large', () => req.destroy())),
  '/answers-first-and-keeps': guarded((req, res) => void res.writeHead(413).end('too large', () => req.destroy())),
  '/answers-first-then-socket': guarded((req, res) => void res.writeHead(413).end('too large', () => req.socket.destroy())),
}

const answersFirst = (id: string, path: string, what: string): Case => ({
  id: `destroy/${id}`,
  rules: ['R116', 'R190', 'R123'],
  title: `a 413 in the middle of an upload, ${what} once it is written: the answer arrives, three times of three`,
  alone: true,
  run: async (host) => {
    const body = filled(12 * MiB)
    for (let time = 1; time <= 3; time++) {
      const client = await host.connect()
      ok(await client.sendBeforeReading(postHead(path, body.length), body), `broke off at time ${time}\n${client}`)
      const answer = await client.next()
      deepEqual([answer.status, answer.text], [413, 'too large'])
      equal(await client.closed(), 'fin')
    }
  },
})

/** A handler that destroys takes no answer along that it has written, and nothing else either. */
const cases: Case[] = [
  {
    id: 'destroy/handler-breaks-off',
    rules: ['R089', 'R114'],
    title:
      'a handler that destroys request, response or socket, with an error, null or nothing, ends its connection and no other',
    regression: true,
    run: async (host) => {
      const other = await host.idleClient()
      for (const path of Object.keys(ways)) {
        const client = await host.connect()
        await client.send(get(path))
        await client.closed()
        equal(client.statuses, '', path)
        await until(`the end of ${path}`, async () => (await host.openConnections()) === 1)
      }
      deepEqual(
        thrown.filter((at) => at.startsWith(host.name)),
        [],
      )
      keeps(await other.ask(get('/still-here')))
      if (host.bare) return
      const { closes, requests } = host.connections.stats()
      deepEqual(closes, { handler: Object.keys(ways).length })
      equal(requests.cut, Object.keys(ways).length)
    },
  },
  answersFirst('after-a-last-answer', '/answers-first', 'and a close, then req.destroy()'),
  answersFirst('after-the-answer', '/answers-first-and-keeps', 'then req.destroy()'),
  answersFirst('socket-after-the-answer', '/answers-first-then-socket', 'then req.socket.destroy()'),
]

export const destroyed: Case[] = cases.map((one) => ({ routes, ...one }))

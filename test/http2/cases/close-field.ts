import { deepEqual, equal } from 'node:assert/strict'
import { closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs'
import type { Http2ServerResponse } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Case } from '../../support/h2/contract.js'
import { announced } from '../../support/h2/expect.js'
import { until } from '../../support/wait.js'

const bye = join(mkdtempSync(join(tmpdir(), 'halfclose-close-')), 'bye')
writeFileSync(bye, 'bye')

/** Each way to say it. */
const ways: Record<string, (res: Http2ServerResponse) => unknown> = {
  '/set-header': (res) => {
    res.setHeader('Connection', 'close')
    res.end('bye')
  },
  '/in-a-list': (res) => {
    res.setHeader('connection', 'x-hop, Close')
    res.end('bye')
  },
  '/write-head': (res) => void res.writeHead(200, { 'X-Other': 'a', Connection: 'close' }).end('bye'),
  '/write-head-reason': (res) => void res.writeHead(200, 'OK', { Connection: 'close' }).end('bye'),
  '/flat-list': (res) => {
    Reflect.apply(res.writeHead, res, [200, ['X-Other', 'a', 'Connection', 'close']])
    res.end('bye')
  },
  '/pairs': (res) => {
    const pairs = [
      ['X-Other', 'a'],
      ['Connection', 'close'],
    ]
    Reflect.apply(res.writeHead, res, [200, 'OK', pairs])
    res.end('bye')
  },
  '/made-of-it': (res) => {
    const made: Http2ServerResponse = Object.create(res)
    made.setHeader('X-Other', 'a')
    made.setHeader('Connection', 'close')
    made.end('bye')
  },
  '/file': ({ stream }) => stream.respondWithFile(bye, { ':status': 200, connection: 'close' }),
  '/descriptor': ({ stream }) => {
    const fd = openSync(bye, 'r')
    stream.respondWithFD(fd, { ':status': 200, Connection: 'Close' })
    stream.on('close', () => closeSync(fd))
  },
  '/stream': ({ stream }) => {
    stream.respond({ ':status': 200, connection: 'close' })
    stream.end('bye')
  },
}

/** Node drops the field with a warning, or throws (20, 22, 24, 26). */
export const closeField: Case[] = [
  {
    id: 'h2-close-field/goaway',
    rules: ['R168', 'R171', 'R175'],
    title:
      'a response that says `Connection: close` is answered without the field, and a GOAWAY follows it; what is in flight is answered',
    routes: Object.fromEntries(Object.entries(ways).map(([path, way]) => [path, (_req, res) => way(res)])),
    run: async (host) => {
      for (const [index, path] of Object.keys(ways).entries()) {
        const client = await host.connect()
        const held = client.ask(`/held${index}`)
        const { res } = await host.request(`/held${index}`)
        const stream = client.ask(path)
        const answer = await client.answer(stream)
        deepEqual([path, answer.status, answer.text, answer.header('connection')], [path, 200, 'bye', undefined], `${client}`)
        if (['/write-head', '/flat-list', '/pairs', '/made-of-it'].includes(path)) equal(answer.header('x-other'), 'a')
        equal((await announced(client)).last, stream, `${path} ${client}`)
        res.end('in peace')
        equal((await client.answer(held)).text, 'in peace')
        equal(await client.closed(), 'fin', `${client}`)
      }
      const count = Object.keys(ways).length
      await until('them to be counted', () => host.connections.stats().closes.handler === count)
    },
  },
  {
    id: 'h2-close-field/keep-alive',
    rules: ['R175'],
    title: 'one that says `Connection: keep-alive` says nothing, and the session goes on',
    regression: true,
    routes: {
      '/keep-alive': (_req, res) => {
        res.setHeader('Connection', 'keep-alive')
        res.end('on')
      },
    },
    run: async (host) => {
      const client = await host.connect()
      equal((await client.get('/keep-alive')).header('connection'), undefined)
      equal((await client.get('/again')).text, '/again')
      deepEqual(client.goaways, [])
    },
  },
]

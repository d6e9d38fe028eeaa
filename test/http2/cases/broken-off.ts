import { deepEqual, equal } from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import type { Http2ServerResponse } from 'node:http2'
import { join } from 'node:path'
import { pipeline, Readable } from 'node:stream'
import type { Case } from '../../support/h2/contract.js'
import { until, within } from '../../support/wait.js'

/** An upstream that brings half a body and then fails, in the words of its own connection. */
const upstream = (error: Error): Readable =>
  Readable.from(
    (async function* () {
      yield 'half a body'
      await new Promise((resolve) => setTimeout(resolve, 20))
      throw error
    })(),
  )
const named = (code: string, more: object = {}): Error => Object.assign(new Error(code), { code, ...more })
const nobody = (): void => {}

/** What applications end a response with that is no fault of its client. */
const faults: Record<string, (res: Http2ServerResponse) => unknown> = {
  '/reset': ({ stream }) => pipeline(upstream(named('ECONNRESET', { errno: -104, syscall: 'read' })), stream, nobody),
  '/pipe': ({ stream }) => pipeline(upstream(named('EPIPE', { errno: -32, syscall: 'write' })), stream, nobody),
  '/stream-error': ({ stream }) => pipeline(upstream(named('ERR_HTTP2_STREAM_ERROR')), stream, nobody),
  '/abort': ({ stream }) => pipeline(upstream(new DOMException('aborted', 'AbortError')), stream, nobody),
  '/plain': ({ stream }) => pipeline(upstream(new Error('plain')), stream, nobody),
  '/no-file': ({ stream }) => pipeline(createReadStream('/there/is/none'), stream, nobody),
  '/directory': ({ stream }) => pipeline(createReadStream('/tmp'), stream, nobody),
  '/before-the-head': (res) => res.stream.destroy(named('ECONNRESET', { errno: -104, syscall: 'read' })),
  '/stream-error-before': (res) => res.stream.destroy(named('ERR_HTTP2_STREAM_ERROR')),
  '/abort-before': (res) => res.stream.destroy(Object.assign(new Error('aborted'), { name: 'AbortError', code: 'ABORT_ERR' })),
  '/none-before': (res) => res.stream.destroy(),
  '/cancel': (res) => {
    res.write('half a body')
    setTimeout(() => res.stream.close(8), 20)
  },
}
const paths = Object.keys(faults)

/** Closes a stream whose answer has begun with a code, in the handler or 20 ms later. */
const closing =
  (code: number, later: boolean, body = true) =>
  (_req: unknown, { stream }: Http2ServerResponse): void => {
    stream.on('error', nobody)
    stream.respond({ ':status': 200 })
    if (body) stream.write('half a body')
    if (later) setTimeout(() => stream.close(code), 20)
    else stream.close(code)
  }
const closes = {
  '/cancel-head': closing(8, false, false),
  '/cancel-at-once': closing(8, false),
  '/cancel-later': closing(8, true),
  '/error-at-once': closing(2, false),
  '/error-later': closing(2, true),
}

/** Whose error it is, is decided by who ended the stream. */
export const brokenOff: Case[] = [
  {
    id: 'h2-broken-off/by-the-application',
    rules: ['R130', 'R202'],
    title:
      "an error of the application's own, an upstream's reset among them, shows as a reset of the stream, and a drain reports it as cut",
    run: async (host) => {
      const client = await host.connect()
      const streams = paths.map((path) => [path, client.ask(path.replace('/', '/held-'))] as const)
      for (const path of paths) await host.request(path.replace('/', '/held-'))
      await host.stopping()
      for (const [path, stream] of streams) {
        const { res } = await host.request(path.replace('/', '/held-'))
        res.stream.on('error', nobody)
        faults[path]?.(res)
        const { whole, reset } = await client.ended(stream)
        deepEqual([path, whole, reset !== undefined], [path, false, true], `${client}`)
      }
      const { clean, requests } = await host.report()
      deepEqual([clean, requests.cut], [false, paths.length], `${client}`)
      equal(host.connections.stats().requests.aborted, 0)
    },
  },
  {
    id: 'h2-broken-off/by-the-client',
    rules: ['R192', 'R202'],
    title: 'what its client resets, with whatever code, is reported as aborted, and the drain is clean',
    run: async (host) => {
      const client = await host.connect()
      const codes = [2, 5, 7, 8, 11]
      const streams = codes.map((code) => [code, client.ask(`/held-${code}`)] as const)
      for (const code of codes) {
        const { res } = await host.request(`/held-${code}`)
        res.write('half a body')
      }
      await host.stopping()
      for (const [code, stream] of streams) {
        const { res } = await host.request(`/held-${code}`)
        const closed = new Promise((resolve) => res.stream.on('close', resolve))
        client.cancel(stream, code)
        await within(closed, () => `the stream to close, code ${code}\n${client}`)
      }
      const { clean, requests } = await host.report()
      deepEqual([clean, requests.cut], [true, 0], `${client}`)
      equal(host.connections.stats().requests.aborted, codes.length)
    },
  },
  {
    id: 'h2-broken-off/no-error',
    rules: ['R192', 'R202'],
    title:
      'what its client resets with NO_ERROR amid the body, or with any code amid a file, is aborted, too: its answer was not taken',
    routes: {
      '/file': (_req, res) => res.stream.respondWithFile(join(__dirname, '../../../pnpm-lock.yaml'), { ':status': 200 }),
    },
    run: async (host) => {
      const client = await host.connect()
      client.polite = false
      const open = client.ask('/held')
      const { res } = await host.request('/held')
      res.write('half a body')
      await client.head(open)
      const file = client.ask('/file')
      await client.head(file)
      client.cancel(open, 0)
      client.cancel(file, 8)
      await until('both to be counted', () => host.connections.stats().requests.aborted === 2)
      const { finished, cut } = host.connections.stats().requests
      deepEqual([finished, cut], [0, 0])
    },
  },
  {
    id: 'h2-broken-off/close-with-a-code',
    rules: ['R130', 'R202'],
    title:
      'a stream that the application closes with a code is reset with that code, behind what was written: no END_STREAM makes half a body look whole',
    routes: closes,
    run: async (host) => {
      const client = await host.connect()
      const streams = Object.keys(closes).map((path) => [path, client.ask(path)] as const)
      for (const [path, stream] of streams) {
        const { whole, reset } = await client.ended(stream)
        deepEqual([path, whole, reset], [path, false, path.includes('cancel') ? 8 : 2], `${client}`)
      }
      await until('all to be counted', () => host.connections.stats().requests.cut === streams.length)
      equal(host.connections.stats().requests.aborted, 0)
    },
  },
  {
    id: 'h2-broken-off/close-without-an-answer',
    rules: ['R202'],
    title:
      'a stream that the application closes without an answer is cut, not aborted, and no reset of which the client is accused',
    options: { http2: { resets: 2 } },
    routes: { '/closed': (_req, res) => res.stream.close() },
    run: async (host) => {
      const client = await host.connect()
      for (const stream of [1, 2, 3, 4, 5].map(() => client.ask('/closed'))) equal((await client.ended(stream)).whole, false)
      await until('all to be counted', () => host.connections.stats().requests.cut === 5)
      equal((await client.get('/still')).status, 200)
      equal(host.connections.stats().requests.aborted, 0)
    },
  },
  {
    id: 'h2-broken-off/session',
    rules: ['R130', 'R202'],
    title: "a session that the application destroys with an upstream's error is its own doing: the report says what was cut",
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      res.stream.on('error', nobody)
      res.write('half a body')
      await client.head(stream)
      await host.stopping()
      host.sessions.forEach((session) => {
        session.on('error', nobody).destroy(named('ECONNRESET', { errno: -104, syscall: 'read' }))
      })
      equal((await client.ended(stream)).whole, false)
      const { clean, requests } = await host.report()
      deepEqual([clean, requests.cut], [false, 1], `${client}`)
      equal(host.connections.stats().closedFirst.server, 1)
    },
  },
]

import { deepEqual, equal } from 'node:assert/strict'
import type { FrameClient } from '../../support/h2/client.js'
import { adapters, type Case } from '../../support/h2/contract.js'
import { endsWith } from '../../support/h2/expect.js'
import { frame, uint32 } from '../../support/h2/frames.js'
import type { H2Host } from '../../support/h2/host.js'
import { until } from '../../support/wait.js'

/** Those of RFC 9113 §7, and some that it does not know. */
const codes = [...Array(14).keys(), 0x100, 2 ** 32 - 1]
const options = { limits: { connections: 1 }, linger: { quiet: 500, total: 1_000 } }

/** A session that fills the limit, and then one too many for each of `attempts`. The first one is served to the end: the process is there. */
async function attackBeside(host: H2Host, attempts: readonly ((client: FrameClient) => unknown)[]): Promise<void> {
  const first = await host.idleClient()
  await Promise.all(
    attempts.map(async (attempt) => {
      const client = await host.connect()
      await attempt(client)
      client.connection.vanish()
    }),
  )
  await until('the others to have gone', async () => (await host.openConnections()) === 1)
  equal((await first.get('/last')).text, '/last', `${first}`)
  deepEqual(host.paths, ['/first', '/last'])
}

const reset = (stream: number, code: number): Buffer => frame('RST_STREAM', 0, stream, uint32(code))

/** Whatever a client does with a stream that the application never gets ends nothing but that stream. An uncaught error fails the whole file. */
export const refused: Case[] = [
  {
    id: 'h2-refused/behind-a-goaway-of-the-application',
    rules: ['R164'],
    title:
      'streams that arrive in one segment with the one whose handler sends a GOAWAY are not run: the client is told that it may repeat them',
    routes: {
      '/goaway': ({ stream }, res) => {
        stream.session?.goaway()
        setTimeout(() => res.end('bye'), 50)
      },
    },
    run: async (host) => {
      const client = await host.connect()
      const [first, ...behind] = ['/goaway', '/second', '/third'].map((path) => client.request(path))
      await client.send(...[first, ...behind].map((one) => one?.bytes ?? Buffer.alloc(0)))
      equal((await client.answer(first?.stream ?? 0)).text, 'bye')
      deepEqual(host.paths, ['/goaway'], `${client}`)
      const { received, dropped, aborted } = host.connections.stats().requests
      deepEqual([received, dropped, aborted], [1, 2, 0])
    },
  },
  {
    id: 'h2-refused/reset-before',
    rules: ['R164', 'R177'],
    title:
      'limits.connections: a stream of a session too many that is reset in the segment that opens it ends nothing else, whatever the code',
    options,
    run: (host) =>
      attackBeside(
        host,
        codes.map((code) => async (client: FrameClient) => {
          const { stream, bytes } = client.request('/', { method: 'POST', end: false })
          await client.send(bytes, reset(stream, code))
          await client.closed()
        }),
      ),
  },
  {
    id: 'h2-refused/reset-behind',
    rules: ['R164', 'R177'],
    title: 'limits.connections: nor does one that is reset behind its 503, or amid it',
    options,
    run: (host) =>
      attackBeside(
        host,
        codes.flatMap((code) => [
          async (client: FrameClient) => {
            const stream = client.ask('/', { method: 'POST', end: false })
            await client.head(stream)
            await client.send(reset(stream, code))
            await client.closed()
          },
          async (client: FrameClient) => {
            const stream = client.ask('/', { method: 'POST', end: false })
            setImmediate(() => void client.send(reset(stream, code)))
            await client.closed()
          },
        ]),
      ),
  },
  {
    id: 'h2-refused/tcp-reset',
    rules: ['R164'],
    title: 'limits.connections: nor does a TCP reset behind its request',
    options,
    run: (host) =>
      attackBeside(
        host,
        [0, 1, 2, 3, 4, 5].map((pause) => async (client: FrameClient) => {
          await client.send(client.request('/', { method: 'POST', end: false }).bytes)
          for (let turn = 0; turn < pause; turn++) await new Promise((resolve) => setImmediate(resolve))
          client.connection.reset()
        }),
      ),
  },
  {
    id: 'h2-refused/protocol-error',
    rules: ['R164'],
    title: 'limits.connections: nor does an error of the protocol beside its request, before the 503 and behind it',
    options,
    run: (host) =>
      attackBeside(
        host,
        [
          frame('DATA', 0, 0, Buffer.from('x')),
          frame('RST_STREAM', 0, 1, Buffer.alloc(3)),
          frame('WINDOW_UPDATE', 0, 1, uint32(0)),
          frame('HEADERS', 4, 3, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
          frame('CONTINUATION', 0, 1, Buffer.alloc(1)),
          frame('SETTINGS', 0, 0, Buffer.alloc(5)),
        ].flatMap((wrong) => [
          async (client: FrameClient) => {
            await client.send(client.request('/', { method: 'POST', end: false }).bytes, wrong)
            await client.frame('GOAWAY')
          },
          async (client: FrameClient) => {
            await client.head(client.ask('/', { method: 'POST', end: false }))
            await client.send(wrong)
            await client.frame('GOAWAY')
          },
        ]),
      ),
  },
  {
    id: 'h2-refused/goaway-crossed',
    rules: ['R164', 'R177'],
    title: 'nor does a stream behind the GOAWAY that is reset as it is refused',
    options: { keepAlive: { maxRequests: 1 } },
    run: async (host) => {
      for (const code of codes) {
        const client = await host.connect()
        const all = [client.request('/a'), client.request('/b', { method: 'POST', end: false })]
        await client.send(...all.map(({ bytes }) => bytes), reset(3, code))
        await endsWith(client, 1)
      }
      deepEqual(
        host.paths,
        codes.map(() => '/a'),
      )
    },
  },
  {
    id: 'h2-refused/ready-methods',
    rules: ['R021', 'R162'],
    title: 'limits.connections: a readiness probe gets through on a session too many by GET and HEAD; any other method gets 503',
    hosts: adapters,
    options: { ...options, readiness: '/ready', drain: { delay: 50 } },
    run: async (host) => {
      const first = await host.idleClient()
      const probes: [string, number][] = [
        ['HEAD', 200],
        ['GET', 200],
        ['POST', 503],
        ['OPTIONS', 503],
        ['PUT', 503],
        ['TRACE', 503],
      ]
      for (const [method, expected] of probes) {
        const client = await host.connect()
        const { status, text } = await client.answer(client.ask('/ready', { method }))
        deepEqual([method, status, text === ''], [method, expected, method !== 'GET'], `${client}`)
        await client.closed()
        const { status: within } = await first.answer(first.ask('/ready', { method: method === 'HEAD' ? 'HEAD' : 'GET' }))
        equal(within, 200, `${first}`)
      }
      deepEqual(host.paths, ['/first'])
    },
  },
  {
    id: 'h2-refused/ready-reset',
    rules: ['R162', 'R164'],
    title:
      'limits.connections: a readiness probe on a session too many that is reset, before its answer or behind it, ends nothing else',
    hosts: adapters,
    options: { ...options, readiness: '/ready', drain: { delay: 50 } },
    run: (host) =>
      attackBeside(
        host,
        codes.flatMap((code) =>
          ['GET', 'HEAD'].flatMap((method) => [
            async (client: FrameClient) => {
              const { stream, bytes } = client.request('/ready', { method, end: false })
              await client.send(bytes, reset(stream, code))
              await client.closed()
            },
            async (client: FrameClient) => {
              const stream = client.ask('/ready', { method, end: false })
              await client.head(stream)
              await client.send(reset(stream, code))
              await client.closed()
            },
          ]),
        ),
      ),
  },
]

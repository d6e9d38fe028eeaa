import { createServer } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { quiet } from '../../../test/support/server.js'
import { attach } from '../src/index.js'
import { parseOptions } from '../src/options/parse.js'

// What people write, and the line that they are told to write instead.
const NODE = { keepAliveTimeout: 5_000, maxRequestsPerSocket: 0 }

function thrownBy(run: () => unknown): { code: unknown; message: string } {
  try {
    run()
  } catch (error) {
    if (error instanceof Error) return { code: Reflect.get(error, 'code'), message: error.message }
  }
  throw new Error('it did not throw')
}

test.each<[object, string]>([
  [{ 'drain.deadline': 5000 }, '{ drain: { deadline: 5000 } }'],
  [{ 'drain.timeout': 5000 }, '{ drain: { deadline: 5000 } }'],
  [{ 'Drain.dead_line': 5000 }, '{ drain: { deadline: 5000 } }'],
  [{ 'keepAlive.http10': 'refuse' }, '{ keepAlive: { http10: "refuse" } }'],
  [{ 'keepAlive.parameters.pod': 'a1' }, '{ keepAlive: { parameters: { pod: "a1" } } }'],
  [{ 'tcp.noDelay': false }, '{ tcp: { noDelay: false } }'],
  [{ 'keepAlive.parameters': { pod: 'a1' } }, '{ keepAlive: { parameters: … } }'],
  [{ drain: { 'drain.deadline': 5000 } }, '{ drain: { deadline: 5000 } }'],
])('%j is told %s', (options, right) => {
  const { code, message } = thrownBy(() => parseOptions(options, NODE))
  expect(code).toBe('HALFCLOSE_OPTION_UNKNOWN')
  expect(message).toContain(`names are nested: write \`${right}\``)
})

test.each<[object, string]>([
  [{ drainDeadline: 5 }, 'did you mean `drain.deadline`?'],
  [{ 'no.such': 5 }, 'known are: keepAlive, halfClosed'],
  [{ signals: true }, "write `process.once('SIGTERM', () => connections.drain({ reason: 'SIGTERM' }))`"],
  [{ readiness: '/ready' }, 'it belongs to the adapters'],
  [{ onDrained: () => {} }, 'it belongs to @halfclose/express'],
  [{ metrics: {} }, 'with `attach` call `exposition(connections)` of @halfclose/core/metrics'],
  [{ close: () => {} }, 'it belongs to @halfclose/fastify'],
])('%j is told %s', (options, hint) => {
  const { code, message } = thrownBy(() => parseOptions(options, NODE))
  expect(code).toBe('HALFCLOSE_OPTION_UNKNOWN')
  expect(message).toContain(hint)
})

test("an adapter's own option belongs to it, and those of the other one do not", () => {
  expect(parseOptions({ signals: true, onDrained: () => {} }, NODE, ['signals', 'onDrained']).warnings).toEqual([])
  const { message } = thrownBy(() => parseOptions({ onDrained: () => {} }, NODE, ['signals', 'readiness', 'close']))
  expect(message).toContain("with Fastify write `app.addHook('onClose', …)`")
})

test.each<[string, unknown, string]>([
  ['a Fastify app', fastify(), 'got a Fastify app; write `await app.register(halfclose, options)`'],
  ['an Express app', express(), 'got an Express app; write `halfclose(app, options)`'],
  ['a Koa app', { callback() {}, middleware: [] }, 'got a Koa app; write `attach(http.createServer(app.callback()), options)`'],
  ['a Hono app', { fetch() {} }, 'a Hono app; write `attach(serve(app), options)`'],
  ['a NestJS app', { getHttpServer() {} }, '`attach(app.getHttpServer(), options)`'],
  ['what has a server', { httpServer: createServer() }, 'which has a server: write `attach(it.httpServer, options)`'],
  ['a server of node:net', createNetServer(), 'a server that speaks no HTTP'],
  ['a promise', Promise.resolve(), 'got a promise; write `attach(await …, options)`'],
  [
    'a port',
    3000,
    'got 3000 (number); write `attach(http.createServer(handler), options)`, and give the port to `server.listen(3000)`',
  ],
  ['options', { drain: 'fast' }, 'got an object; the server comes first, then the options'],
  ['a handler', () => {}, 'got a function; write `attach(http.createServer(handler), options)`'],
  ['nothing', undefined, 'got undefined; write `attach(http.createServer(handler), options)`'],
])('attach(%s) says what it got, and the right line', (_what, value, hint) => {
  const { code, message } = thrownBy(() => Reflect.apply(attach, undefined, [value]))
  expect(code).toBe('HALFCLOSE_NOT_A_SERVER')
  expect(message).toContain(hint)
})

test('tcp.keepAlive says what false means there', () => {
  const { message } = thrownBy(() => parseOptions({ tcp: { keepAlive: 60 } }, NODE))
  expect(message).toMatch(/or false for no TCP keep-alive probes, got 60 \(number\); 60 is milliseconds; did you mean 60_000\?$/)
})

test.each(['on', 'once'])("%s('closed'): there is no such event", (method) => {
  const connections = attach(createServer())
  const { code, message } = thrownBy(() => Reflect.apply(Reflect.get(connections, method), connections, ['closed', () => {}]))
  expect(code).toBe('HALFCLOSE_EVENT_UNKNOWN')
  expect(message).toBe('halfclose: there is no event "closed"; did you mean \'close\'?')
  const other = thrownBy(() => Reflect.apply(Reflect.get(connections, method), connections, ['request', () => {}]))
  expect(other.message).toContain('the events are state, upgrade, close, warning')
})

test.each<[what: string, args: unknown[], reason: string]>([
  ['a signal and its number', ['SIGTERM', 15], 'SIGTERM'],
  ['null', [null], 'drain'],
  ['a number', [5], 'drain'],
])(
  'drain() as a listener, without its handle, given %s, drains: a throw would end the process amid its requests',
  async (_what, args, reason) => {
    const { drain } = attach(createServer(), { logger: quiet })
    expect(await Reflect.apply(drain, process, args)).toMatchObject({ clean: true, reason })
  },
)

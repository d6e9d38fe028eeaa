import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect } from 'node:net'
import path from 'node:path'
import { attach, formatConnections, type OpenConnection } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'

const pem = (name: string): Buffer => readFileSync(path.join(__dirname, '../../../test/support/cert', `${name}.pem`))

const one: OpenConnection = {
  id: 1,
  remote: '10.0.0.7:51544',
  protocol: '1.1',
  state: 'busy',
  method: 'GET',
  path: '/report',
  ms: 3_120,
  age: 60_000,
  requests: 7,
  inFlight: 1,
  promiseLeft: 0,
  waitsFor: 'the handler',
}

test('formatConnections prints a line each, in columns', () => {
  const idle = { ...one, state: 'idle', method: undefined, path: undefined, inFlight: 0, promiseLeft: 3_000, ms: 2_000 } as const
  const many = { ...one, protocol: '2', inFlight: 3 } as const
  const printed = formatConnections([one, many, { ...idle, waitsFor: 'the next request, promised for 3 s more' }])
  expect(printed.split('\n')).toEqual([
    'STATE  FOR    PROMISED  REMOTE          REQUEST                 WAITS FOR',
    'busy   3.1 s  -         10.0.0.7:51544  GET /report             the handler',
    'busy   3.1 s  -         10.0.0.7:51544  GET /report and 2 more  the handler',
    'idle   2 s    3 s       10.0.0.7:51544  -                       the next request, promised for 3 s more',
  ])
  expect(formatConnections([])).toBe('STATE  FOR  PROMISED  REMOTE  REQUEST  WAITS FOR')
})

test('nothing that a client has chosen commands a terminal, or fills it', () => {
  const target = `/\u001b[2J\u009b31m\n\u202e${'x'.repeat(9_000)}`
  const [, line = ''] = formatConnections([{ ...one, path: target }]).split('\n')
  expect(line).toContain('GET /?[2J?31m??xxx')
  expect(line.length).toBeLessThan(160)
  expect(line).toMatch(/^\P{C}+$/u)
})

test.each([
  [{ limit: -1 }, 'HALFCLOSE_OPTION_RANGE', '`list.limit` must be an integer of at least 1, or false for no limit, got -1'],
  [{ limit: 0 }, 'HALFCLOSE_OPTION_RANGE', '0 is neither'],
  [{ limit: 1.5 }, 'HALFCLOSE_OPTION_RANGE', 'an integer'],
  [{ limit: Number.NaN }, 'HALFCLOSE_OPTION_RANGE', 'an integer'],
  [{ limit: '3' }, 'HALFCLOSE_OPTION_TYPE', 'got "3" (string)'],
  [{ state: 'bussy' }, 'HALFCLOSE_OPTION_RANGE', 'got "bussy" (string); did you mean \'busy\'?'],
  [{ state: ['idle', 'open'] }, 'HALFCLOSE_OPTION_RANGE', "must be one of 'busy', 'closing', "],
  [{ state: 3 }, 'HALFCLOSE_OPTION_TYPE', '`list.state`'],
  [{ state: null }, 'HALFCLOSE_OPTION_TYPE', '`list.state`'],
  [{ limits: 3 }, 'HALFCLOSE_OPTION_UNKNOWN', 'did you mean `list.limit`?'],
  [5, 'HALFCLOSE_OPTION_TYPE', 'an object'],
  [null, 'HALFCLOSE_OPTION_TYPE', 'an object'],
  [[], 'HALFCLOSE_OPTION_TYPE', 'an object'],
])('list(%j) throws %s', (request, code, words) => {
  const connections = attach(createServer(), { logger: quiet })
  const list = () => Reflect.apply(connections.list, connections, [request])
  expect(list).toThrow(expect.objectContaining({ code, message: expect.stringContaining(words) }))
})

test('a TLS handshake that its client does not finish is listed; after it, the connection is', async () => {
  const server = createTlsServer({ cert: pem('cert'), key: pem('key') }, (_req, res) => res.end('x'))
  const connections = attach(server, { logger: quiet, drain: 'fast' })
  const port = await listening(server)
  const half = connect(port, '127.0.0.1')
  await once(half, 'connect')
  await until('one', () => connections.list().length === 1)
  expect(connections.list()).toEqual([
    expect.objectContaining({
      remote: `127.0.0.1:${half.localPort}`,
      state: 'silent',
      waitsFor: 'the client does not finish its TLS handshake',
    }),
  ])
  half.destroy()
  const client = await Client.open({ port, tls: true })
  await client.ask(get('/'))
  await until(
    'the other one',
    () =>
      connections
        .list()
        .map(({ state }) => state)
        .join() === 'idle',
  )
  client.destroy()
  await within(connections.drain(), () => 'the drain')
  expect(connections.list()).toEqual([])
})

test('a list of many is of every server of the handle, and no longer than asked for', async () => {
  const servers = [createServer((_req, res) => res.end('x')), createServer((_req, res) => res.end('x'))]
  const connections = attach(servers[0] ?? createServer(), { logger: quiet, drain: 'fast' })
  connections.attach(servers[1] ?? createServer())
  const clients: Client[] = []
  for (const server of servers) {
    const port = await listening(server)
    for (let i = 0; i < 30; i++) clients.push(await Client.open({ port }))
  }
  await until('all', () => connections.list().length === 60)
  expect(connections.list({ limit: 7 })).toHaveLength(7)
  expect(new Set(connections.list().map(({ id }) => id)).size).toBe(60)
  expect(new Set(connections.list().map(({ remote }) => Number(remote.split(':')[1])))).toEqual(
    new Set(clients.map(({ raw }) => raw.localPort)),
  )
  for (const client of clients) client.destroy()
  await within(connections.drain(), () => 'the drain')
})

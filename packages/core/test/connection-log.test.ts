import { once } from 'node:events'
import { createServer } from 'node:http'
import { attach, type CloseEvent, type Options } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
import { connectionFlags, connectionLogLine } from '../src/events/connection-log-line.js'

// Where the line of a connection goes, and how it looks. That its letters are right is looked at on the wire, by the cases `ends/`.

async function oneConnection(options: Options): Promise<void> {
  const server = createServer((_req, res) => void res.end('x'))
  const connections = attach(server, { drain: 'fast', ...options })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const client = await Client.open({ port: typeof address === 'object' && address !== null ? address.port : 0 })
  await client.ask(get('/', 'Connection: close'))
  await until('it to have ended', () => connections.stats().connections.closed === 1)
  await within(connections.drain(), () => 'the drain')
  client.destroy()
}

const LINE = /^127\.0\.0\.1:\d+ http\/1\.1 tls- \d+\.\ds 1req \d+B\/\d+B client-close first=server CD--$/

test('a logger gets the line, and the event whole beside it', async () => {
  const info = jest.fn()
  await oneConnection({ logger: { ...quiet, info }, connectionLog: true })
  const [event, line] = info.mock.calls.find(([, text]) => LINE.test(text)) ?? []
  expect(line).toMatch(LINE)
  expect(event).toEqual({
    reason: 'client-close',
    first: 'server',
    remote: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    requests: 1,
    ms: expect.any(Number),
    state: 'closing',
    inFlight: false,
    request: undefined,
    protocol: '1.1',
    tls: false,
    bytes: { read: expect.any(Number), written: expect.any(Number) },
    reset: false,
    promise: 'none',
    code: undefined,
  })
})

test('a function gets both, and nobody else a line', async () => {
  const info = jest.fn()
  const told: [string, CloseEvent][] = []
  await oneConnection({ logger: { ...quiet, info }, connectionLog: (line, event) => void told.push([line, event]) })
  expect(told).toEqual([[expect.stringMatching(LINE), expect.objectContaining({ reason: 'client-close' })]])
  expect(info.mock.calls.filter(([, text]) => LINE.test(text))).toEqual([])
})

test('without a logger it goes to standard output', async () => {
  const write = jest.spyOn(process.stdout, 'write').mockImplementation(() => true)
  try {
    await oneConnection({ connectionLog: true })
    const lines = write.mock.calls.map(([text]) => String(text)).filter((text) => LINE.test(text.trimEnd()))
    expect(lines).toEqual([expect.stringMatching(/CD--\n$/)])
  } finally {
    write.mockRestore()
  }
})

test('by default there is none, and anything else is refused', async () => {
  const info = jest.fn()
  await oneConnection({ logger: { ...quiet, info }, connectionLog: false })
  expect(info.mock.calls.filter(([, text]) => LINE.test(text))).toEqual([])
  const wrong: unknown = { connectionLog: 'yes' }
  expect(() => Reflect.apply(attach, undefined, [createServer(), wrong])).toThrow(
    expect.objectContaining({ code: 'HALFCLOSE_OPTION_TYPE', path: 'connectionLog' }),
  )
})

const EVENT: CloseEvent = {
  reason: 'idle',
  first: 'server',
  remote: '10.2.0.7:51544',
  requests: 38,
  ms: 127_400,
  state: 'idle',
  inFlight: false,
  request: undefined,
  protocol: '1.1',
  tls: '1.3',
  bytes: { read: 14_200, written: 401_900 },
  reset: false,
  promise: 'kept',
  code: undefined,
}

test('the line is that of the documentation', () => {
  expect(connectionLogLine(EVENT)).toBe('10.2.0.7:51544 http/1.1 tls1.3 127.4s 38req 14kB/402kB idle first=server cI-k')
})

test.each<[string, Partial<CloseEvent>]>([
  ['a-unix-domain-socket http/2 tls- 0.0s 0req 0B/1.5MB flood first=server EN--', { remote: 'a unix domain socket', protocol: '2', tls: false, ms: 4, requests: 0, bytes: { read: 0, written: 1_500_000 }, reason: 'flood', state: 'silent', promise: 'none' }],
  ['evil-fake http/1.1 tls1.3 127.4s 38req 14kB/402kB idle first=server cI-k', { remote: 'evil\n\u001b fake' }],
])('%s', (line, changed) => {
  expect(connectionLogLine({ ...EVENT, ...changed })).toBe(line)
}) // biome-ignore format: a row each

test('a client that resets amid the last response is what ended it, whatever the connection would have ended for', () => {
  expect(connectionFlags({ ...EVENT, reason: 'max-requests', first: 'peer', state: 'closing', inFlight: true, request: 'sending', reset: true, promise: 'none' })).toBe('CD--') // biome-ignore format: a line
})

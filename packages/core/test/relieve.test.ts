import { once } from 'node:events'
import { createServer as createHttp, type ServerResponse } from 'node:http'
import { type ClientHttp2Session, connect, createServer as createHttp2 } from 'node:http2'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { pass, until, within } from '../../../test/support/wait.js'
import { attach, type Options } from '../src/index.js'
import { descriptorLimit } from '../src/node/descriptor-limit.js'
import { descriptorReserve, reliefOf } from '../src/policy.js'

const opened = endedAfterEach()
const waiting: ServerResponse[] = []

async function governed(options: Options = {}) {
  const server = createHttp((req, res) => {
    if (req.url === '/wait') waiting.push(res)
    else res.end(req.url)
  })
  const connections = attach(server, { drain: 'fast', logger: quiet, ...options })
  const port = await opened.listen(server)
  const open = () => opened.connect(port)
  return { connections, open }
}

test('relieve() lets go of the longest idle, and of nobody who is busy, silent, or amid a request', async () => {
  const { connections, open } = await governed()
  const [first, second, third, busy, , amid] = [
    await open(),
    await open(),
    await open(),
    await open(),
    await open(),
    await open(),
  ]
  for (const client of [second, first, third, amid]) {
    await client.ask(get('/'))
    await pass(120)
  }
  await amid.send('GET / HTTP/1.1\r\nHo')
  await busy.send(get('/wait'))
  await until('one is busy', () => waiting.length === 1)
  await until('half a request has come', () => connections.stats().open.busy === 2)
  expect(connections.relieve(1)).toBe(1)
  expect(await second.closed()).toBe('fin')
  expect(connections.relieve(10)).toBe(2)
  expect(connections.relieve(10)).toBe(0)
  expect([await first.closed(), await third.closed()]).toEqual(['fin', 'fin'])
  for (const res of waiting.splice(0)) res.end('waited')
  await amid.send('st: a\r\n\r\n')
  expect([(await busy.next()).text, (await amid.next()).status]).toEqual(['waited', 200])
  const { closes, promisesBroken } = connections.stats()
  expect([closes, promisesBroken]).toEqual([{ pressure: 3 }, { pressure: 3 }])
})

test('those past their promise go first, however short they have been idle', async () => {
  const { connections, open } = await governed({ keepAlive: { timeout: 1_000, hold: 60_000 } })
  const [old, young] = [await open(), await open()]
  await old.ask(get('/'))
  await pass(1_100)
  await young.ask(get('/'))
  expect(connections.relieve(1)).toBe(1)
  expect(await old.closed()).toBe('fin')
  expect((await young.ask(get('/'))).status).toBe(200)
  expect(connections.stats().promisesBroken).toEqual({})
})

test('a request that had reached the kernel is answered: there is a look at the input first', async () => {
  const { connections, open } = await governed()
  const client = await open()
  await client.ask(get('/'))
  // This thread is the server too: what is written now is read only after the call.
  void client.send(get('/late'))
  expect(connections.relieve(1)).toBe(1)
  expect((await client.next()).text).toBe('/late')
  expect(connections.stats().closes).toEqual({})
  await until('it may be chosen again', () => connections.relieve(1) === 1)
  expect(await client.closed()).toBe('fin')
})

test('a session of HTTP/2 without a stream gets a GOAWAY', async () => {
  const server = createHttp2((_req, res) => res.end('x'))
  const connections = attach(server, { drain: 'fast', logger: quiet })
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${await opened.listen(server)}`)
  opened.after(() => session.destroy())
  const goaway = once(session, 'goaway')
  const stream = session.request({ ':path': '/' }).resume()
  await once(stream, 'close')
  await until('it is idle', () => connections.stats().open.idle === 1)
  expect([connections.relieve(Number.POSITIVE_INFINITY), (await within(goaway, () => 'a GOAWAY'))[0]]).toEqual([1, 0])
  await until('it is closed', () => connections.stats().closes.pressure === 1)
})

test('how many is an integer of at least 0', async () => {
  const { connections } = await governed()
  expect(connections.relieve(0)).toBe(0)
  for (const count of [-1, 0.5, Number.NaN])
    expect(() => connections.relieve(count)).toThrow(/`relieve\(count\)` must be an integer of at least 0/)
  expect(() => Reflect.apply(connections.relieve, connections, [])).toThrow(
    /`relieve\(count\)` must be an integer of at least 0, got undefined/,
  )
})

test('nginx decides how many go at a time; the reserve is a part of the limit', () => {
  expect([0, 7, 16, 200, 256, 10_000].map(reliefOf)).toEqual([1, 1, 2, 25, 32, 32])
  expect([20, 64, 512, 1_024, 65_536].map(descriptorReserve)).toEqual([10, 32, 32, 64, 4_096])
})

test('the limit is that of this process', () => {
  expect(descriptorLimit()).toBeGreaterThan(60)
})

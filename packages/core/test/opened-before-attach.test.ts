import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { Arrivals, until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'
import type { Options, WarningEvent } from '../src/types.js'

// Connections that were open before attach(): they are governed from then on, and no worse off than without us.

const opened = endedAfterEach()

describe.each([
  ['http', (listener: RequestListener) => createServer(listener), false],
  ['https', (listener: RequestListener) => createHttpsServer(credentials, listener), true],
])('over %s, a connection from before attach()', (_name, make, tls) => {
  async function bare() {
    const held = new Arrivals<ServerResponse>()
    const done = new Arrivals<unknown>()
    const server = make((req, res) => {
      res.once('finish', () => done.push(req.url))
      if (req.url === '/ok') res.end('ok')
      else held.push(res)
    })
    server.keepAliveTimeout = 2_000
    const port = await listening(server)
    const connect = async () => {
      const seen = once(server, tls ? 'secureConnection' : 'connection')
      const client = await opened.connect({ port, tls })
      await within(seen, () => 'the connection at the server')
      return client
    }
    const warnings = new Arrivals<WarningEvent>()
    const govern = (options: Options = {}) => {
      const connections = attach(server, { logger: quiet, ...options })
      connections.on('warning', (warning) => warnings.push(warning))
      return connections
    }
    return { held, done, connect, govern, warnings }
  }

  const closedOf = (res: ServerResponse) => within(once(res, 'close'), () => "the response's 'close'")

  test.each(['/ok', undefined])(
    "whose client leaves amid a request tells the response's 'close' (before: %s)",
    async (before) => {
      const { held, connect, govern } = await bare()
      const client = await connect()
      if (before !== undefined) await client.ask(get(before))
      const connections = govern({ halfClosed: 200, drain: 'fast' })
      expect(connections.stats().connections.opened).toBe(1)
      await client.send(get('/held'))
      const res = await within(held.at(0), () => 'the request')
      const closed = closedOf(res)
      client.fin()
      await closed
      await connections.drain()
    },
  )

  test("whose request was being answered by then tells the response's 'close' too", async () => {
    const { held, connect, govern } = await bare()
    const client = await connect()
    await client.send(get('/held'))
    const res = await within(held.at(0), () => 'the request')
    const connections = govern({ halfClosed: 200, drain: 'fast' })
    const closed = closedOf(res)
    client.fin()
    await closed
    expect((await connections.drain()).clean).toBe(true)
  })

  test('is waited for by a drain, and its requests are finished ones, in order', async () => {
    const { held, connect, govern, warnings } = await bare()
    const client = await connect()
    await client.send(get('/1') + get('/2'))
    await within(held.at(1), () => 'two requests')
    const connections = govern()
    await client.send(get('/3'))
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    held.list[0]?.end('one')
    expect((await client.next()).text).toBe('one')
    held.list[1]?.end('two')
    expect((await client.next()).text).toBe('two')
    const third = await within(held.at(2), () => 'the third request')
    third.end('three')
    const answer = await client.next()
    expect([answer.text, answer.header('connection')]).toEqual(['three', 'close'])
    expect(await client.closed()).toBe('fin')
    const { clean, requests } = await within(drained, () => 'the drain')
    expect({ clean, requests: requests.cut, done: requests.finished + requests.rescued }).toEqual({
      clean: true,
      requests: 0,
      done: 3,
    })
    expect(warnings.list).toEqual([])
  })

  test('that is idle keeps the promise that Node has made', async () => {
    const { done, connect, govern } = await bare()
    const client = await connect()
    await client.ask(get('/ok'))
    await within(done.at(0), () => 'the first answer at the server')
    const connections = govern()
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    const answer = await client.ask(get('/ok'))
    expect([answer.text, answer.header('connection')]).toEqual(['ok', 'close'])
    const { clean, requests } = await within(drained, () => 'the drain')
    expect({ clean, requests }).toEqual({ clean: true, requests: { finished: 0, rescued: 1, cut: 0 } })
  })

  test('is cut at the deadline so that it shows, and makes the report unclean', async () => {
    const { held, connect, govern } = await bare()
    const client = await connect()
    await client.send('GET /held HTTP/1.0\r\n\r\n')
    const res = await within(held.at(0), () => 'the request')
    res.on('error', () => {}).write('half')
    await until('half a body', () => client.heads.list.length === 1)
    const connections = govern({ drain: { deadline: 100 } })
    const { clean, requests } = await within(connections.drain(), () => 'the drain')
    expect({ clean, cut: requests.cut }).toEqual({ clean: false, cut: 1 })
    expect(await client.closed()).toBe('reset')
  })
})

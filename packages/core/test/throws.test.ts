import { createServer, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { Arrivals, until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'
import type { Options, WarningEvent } from '../src/types.js'

// What the application has put on its sockets and servers may throw where it is called by us, at a time of ours: nobody is there to catch it.

const opened = endedAfterEach()

/** A server whose sockets `spoil` has had first. */
async function spoiltServer(options: Options, spoil: (socket: Socket, index: number) => void) {
  const held = new Arrivals<ServerResponse>()
  const server = createServer((req, res) => void (req.url === '/held' ? held.push(res) : res.end('ok')))
  const connections = attach(server, { keepAlive: { timeout: 1_000 }, logger: quiet, ...options })
  const warnings = new Arrivals<WarningEvent>()
  connections.on('warning', (warning) => warnings.push(warning))
  let index = 0
  server.on('connection', (socket) => spoil(socket, index++))
  const port = await listening(server)
  const connect = async () => {
    return opened.connect(port)
  }
  return { server, connections, warnings, held, connect }
}

const fails = (): never => {
  throw new Error('of the application')
}

/** A socket's `end`, which every close by us calls, throws. */
const endFails = (socket: Socket) => void Object.assign(socket, { end: fails })

test("a throw amid a drain's batch ends neither the drain nor its report, and the others are closed output first", async () => {
  const { connections, warnings, connect } = await spoiltServer({ drain: { idle: 0, deadline: 20_000 } }, (socket, index) => {
    if (index < 2) endFails(socket)
  })
  const open = [await connect(), await connect(), await connect()]
  for (const client of open) await client.ask(get('/'))
  const { clean, ms, connections: closed } = await within(connections.drain(), () => 'the drain')
  expect(await open[2]?.closed()).toBe('fin')
  expect({ clean, closed: closed.closed }).toEqual({ clean: true, closed: 3 })
  expect(ms).toBeLessThan(15_000)
  expect(warnings.list.map(({ code }) => code)).toEqual(['HALFCLOSE_UNEXPECTED_ERROR', 'HALFCLOSE_UNEXPECTED_ERROR'])
  expect(warnings.list[0]?.message).toContain('of the application')
})

test('a throw at the deadline: what is left is cut all the same', async () => {
  const { connections, held, connect } = await spoiltServer({ drain: { deadline: 100 } }, (socket) =>
    Object.defineProperty(socket, 'remoteAddress', { get: fails }),
  )
  const open = [await connect(), await connect()]
  for (const client of open) await client.send(get('/held'))
  await within(held.at(1), () => 'two requests')
  const { clean, requests } = await within(connections.drain(), () => 'the drain')
  expect({ clean, cut: requests.cut }).toEqual({ clean: false, cut: 2 })
})

test("a throw of the server, and of the drain's own listeners: it still settles", async () => {
  const { server, connections, connect } = await spoiltServer({ drain: { idle: 0 } }, () => {})
  const client = await connect()
  await client.ask(get('/'))
  const prototype = { __proto__: Object.getPrototypeOf(server), close: fails }
  Object.setPrototypeOf(server, prototype)
  const { clean } = await within(connections.drain(), () => 'the drain')
  expect(clean).toBe(true)
  expect(connections.state).toBe('drained')
  expect(await client.closed()).toBe('fin')
})

test('a throw at the end of a hold ends neither the process nor the hold of others', async () => {
  const hold: Options = { keepAlive: { timeout: 0, hold: 1_000 } }
  const { connections, warnings, connect } = await spoiltServer(hold, (socket, index) => {
    if (index < 2) endFails(socket)
  })
  const open = [await connect(), await connect(), await connect()]
  for (const client of open) await client.ask(get('/'))
  for (const client of open) await client.closed()
  await until('none to be open', () => connections.stats().connections.closed === 3)
  expect(warnings.list).toHaveLength(2)
  await connections.drain()
})

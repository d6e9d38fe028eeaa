import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { performance } from 'node:perf_hooks'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { until } from '../../../test/support/wait.js'
import { connectionOf } from '../src/http1/connection-of.js'
import { attach } from '../src/index.js'
import { descriptorLimit } from '../src/node/descriptor-limit.js'
import type { Admission, DescriptorPressure } from '../src/server/descriptor-pressure.js'
import { GovernedServer } from '../src/server/governed-server.js'

// What descriptors that run short cost: a crowd of clients must not be able to make each of its connections dear. Work is counted, not time.

const logger = { info: () => {}, warn: () => {} }
const SIZE = 300
/** With a limit of 1,024 the reserve has 64 descriptors, from here. */
const FIRST = 960
/** What longest-idle-cache.ts lets each new connection pay for, and the milliseconds after which a search is free. */
const PAID = 64
const AGAIN = 50

jest.mock('../src/node/descriptor-limit.js', () => ({ descriptorLimit: jest.fn(() => 1_024) }))

const cleanUp: (() => unknown)[] = []

beforeEach(() => jest.mocked(descriptorLimit).mockClear())

afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end()
})

/** A server with connections, of which `busy` are being answered and the others idle; and what is asked of them. */
async function crowd(busy: number) {
  const waiting: ServerResponse[] = []
  const server = createServer((req, res) => {
    if (req.url === '/wait') waiting.push(res)
    else res.end('answer')
  })
  const connections = attach(server, { logger, drain: 'fast', keepAlive: { timeout: 60_000 } })
  cleanUp.push(() => connections.drain())
  const accepted = once(server, 'connection')
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  const clients = await Promise.all(Array.from({ length: SIZE }, () => Client.open({ port: address.port })))
  cleanUp.push(() => clients.forEach((client) => void client.destroy()))
  await Promise.all(clients.slice(busy).map((client) => client.ask(get('/'))))
  await Promise.all(clients.slice(0, busy).map((client) => client.send(get('/wait'))))
  await until('they are busy', () => waiting.length === busy)
  const [socket] = await accepted
  const governed = connectionOf(socket)?.owner
  if (!(governed instanceof GovernedServer)) throw new Error('it is not governed')
  return { connections, clients, waiting, governed, work: countedWork(governed) }
}

/** How many connections have been visited by walks over all of them, and how many parsers were asked for by lists of all of them. */
function countedWork({ connections, server }: GovernedServer): { visits: number; listed: number } {
  const work = { visits: 0, listed: 0 }
  const walk = connections[Symbol.iterator].bind(connections)
  connections[Symbol.iterator] = function* () {
    for (const connection of walk()) {
      work.visits++
      yield connection
    }
  }
  const key = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'http.server.connections')
  const list: unknown = key && Reflect.get(server, key)
  if (typeof list !== 'object' || list === null || !('active' in list) || typeof list.active !== 'function')
    throw new Error('Node has no list of its parsers')
  const { active } = list
  list.active = () => {
    const parsers: unknown[] = Reflect.apply(active, list, [])
    work.listed += parsers.length
    return parsers
  }
  return work
}

/** New connections with this descriptor, and for how many milliseconds they came. */
function arrive(pressure: DescriptorPressure, count: number, fd: number): { outcomes: Record<Admission, number>; ms: number } {
  const outcomes = { taken: 0, refused: 0, dropped: 0 }
  const began = performance.now()
  for (let n = 0; n < count; n++) outcomes[pressure.admit({ _handle: { fd } })]++
  return { outcomes, ms: performance.now() - began }
}

const mostVisits = (count: number, ms: number) => count * PAID + SIZE * (2 + Math.floor(ms / AGAIN))

test('where one connection goes and all others are busy, a new one does not cost a walk over all of them', async () => {
  const { governed, work } = await crowd(SIZE - 1)
  const { outcomes, ms } = arrive(governed.limits.pressure, 2_000, FIRST + 1)
  expect(outcomes).toEqual({ taken: 0, refused: 2_000, dropped: 0 })
  expect(work.visits).toBeLessThanOrEqual(mostVisits(2_000, ms))
  expect(work.visits).toBeGreaterThan(SIZE)
})

test('an idle connection that is closed is not looked for in a list of all parsers', async () => {
  const { connections, governed, work } = await crowd(SIZE - 8)
  let closed = 0
  connections.on('close', () => closed++)
  for (let wanted = 1; wanted <= 8; wanted++) {
    expect(arrive(governed.limits.pressure, 1, FIRST).outcomes.taken).toBe(1)
    await until('one is closed', () => closed === wanted)
  }
  // Each search lists them once.
  expect(work.listed).toBeLessThanOrEqual(work.visits)
  expect(connections.stats().closes).toEqual({ pressure: 8 })
})

test('what a search has found and has been used since is not closed', async () => {
  const { connections, clients, governed } = await crowd(SIZE - 20)
  const idle = clients.slice(SIZE - 20)
  // Two of the twenty are chosen. What is written now is read only after the call.
  expect(arrive(governed.limits.pressure, 1, FIRST).outcomes.taken).toBe(1)
  const answers = await Promise.all(idle.map((client) => client.ask(get('/'))))
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
  // The rest of what was found: each has had one more request.
  arrive(governed.limits.pressure, 4, FIRST)
  await Promise.all(idle.map((client) => client.ask(get('/'))))
  expect(connections.stats().closes).toEqual({})
})

test('it is told once a minute, with both numbers, and the limit is asked for once', async () => {
  const { connections, governed } = await crowd(SIZE - 1)
  const told: string[] = []
  connections.on('warning', ({ code, message }) => told.push(`${code} ${message}`))
  arrive(governed.limits.pressure, 500, FIRST + 1)
  const began = performance.now()
  const clock = jest.spyOn(performance, 'now').mockReturnValue(began + 59_000)
  cleanUp.push(() => clock.mockRestore())
  arrive(governed.limits.pressure, 500, FIRST + 1)
  const once = expect.stringMatching(/^HALFCLOSE_FDS .*at least 962 of 1024 are open/)
  expect(told).toEqual([once])
  clock.mockReturnValue(began + 61_000)
  arrive(governed.limits.pressure, 500, FIRST + 1)
  expect(told).toEqual([once, once])
  expect(descriptorLimit).toHaveBeenCalledTimes(1)
})

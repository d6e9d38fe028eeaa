import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../support/client.js'
import { until, within } from '../support/wait.js'
import { Account, type AccountingClient, type Kind } from './accounting.mjs'
import { Service } from './service.mjs'
import { lateBetween, now, Witness } from './witness.mjs'

// Descriptors that run out, in processes with a limit of their own. The servers use what was built: `npm run build` first.
const isLong = process.env.HALFCLOSE_FAULTS === 'long'
const kinds: Kind[] = isLong ? ['http', 'https', 'h2c', 'h2', 'express', 'fastify'] : ['http', 'https', 'h2']
const limits = isLong ? [64, 256, 1_024] : [64]
/** Milliseconds within which everything is over, however slow the machine. */
const LONGEST = 60_000
/** Milliseconds within which every request is answered, while the machine keeps time; and between two clients, at least. */
const ANSWERED = 2_000
const SHORTEST = 1.5
/** Milliseconds in which a crowd comes, at most. */
const WHOLE = 60_000
const keepAlive = { timeout: 1_000, hold: 60_000 }

const services: Service[] = []
const clients: { close?: () => void; destroy?: () => void }[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) (client.close ?? client.destroy)?.call(client)
  await Promise.all(services.splice(0).map((service) => service.end()))
})

interface Started {
  kind: Kind
  limit?: number
  bare?: boolean
  options?: object
}

/** `limit`: of open files, soft and hard, since Node raises the one to the other. */
async function serve({ kind, limit = 64, bare = false, options = {} }: Started): Promise<Service> {
  const wrap = ['sh', '-c', `ulimit -n ${limit}; exec "$0" "$@"`]
  const started = Service.start({ kind, bare, options: { keepAlive, ...options } }, { wrap })
  const service = await within(started, () => 'it listens', LONGEST)
  services.push(service)
  return service
}

/** One request of a client: when it was first sent, and when it was answered, by the clock of the machine. */
type Asked = [from: number, to: number]

/** The requests of a client that keeps its connection, and comes again 100 ms after it was refused or cut. */
async function visit(client: AccountingClient, requests: number): Promise<Asked[]> {
  const asked: Asked[] = []
  for (let n = 0; n < requests; n++) {
    const from = now()
    if ((await client.insist({ tries: 1_000, pause: 100 })) === 0) throw new Error('never answered')
    asked.push([from, now()])
    await sleep(50)
  }
  return asked
}

/** Milliseconds that one client after the other takes here: a TLS handshake on a busy machine takes a hundred times as long as a request on a quiet one. */
async function paceOf(service: Service, kind: Kind): Promise<number> {
  const account = new Account('pace')
  const began = now()
  for (let n = 0; n < 10; n++) {
    const client = account.client({ port: service.port, kind })
    await within(client.insist(), () => 'it is answered', LONGEST)
    client.close()
  }
  return (now() - began) / 10
}

/**
 * Clients who come as fast as this machine can take them. If more come than it can, they wait in the kernel's queue, which has 511 places: those that find it full try again after one second and after three, on any server.
 */
async function crowd(service: Service, kind: Kind, size: number, requests: number) {
  const account = new Account()
  const pace = Math.min(Math.max(SHORTEST, 2 * (await paceOf(service, kind))), WHOLE / size)
  const witness = new Witness()
  await service.ask('watch')
  const visits = Array.from({ length: size }, async (_, n) => {
    await sleep(n * pace)
    const client = account.client({ port: service.port, kind })
    clients.push(client)
    return visit(client, requests)
  })
  const asked = (await within(Promise.all(visits), () => told(account), LONGEST + 10 * size * pace)).flat()
  const late = [...witness.late, ...(await service.ask('late'))]
  /** How long the slowest took, without the time in which one of the two processes stood still. */
  const slowest = Math.max(...asked.map(([from, to]) => to - from - lateBetween(late, from, to)))
  return { account, slowest, longest: Math.max(...asked.map(([from, to]) => to - from)), pace }
}

/** Without the clients that measured the pace. */
const mine = (ledger: Record<string, number>) =>
  Object.fromEntries(Object.entries(ledger).filter(([id]) => !id.startsWith('pace')))

const told = (account: Account) => `all are answered: ${JSON.stringify(account.verdict({})).slice(0, 300)}`

test.each(limits.flatMap((limit) => kinds.map((kind) => ({ kind, limit }))))(
  '$kind: four times as many clients as $limit descriptors are all served, and none whose request was run is lost',
  async ({ kind, limit }) => {
    // A handshake costs more than all else.
    const requests = kind === 'http' || isLong ? 2 : 1
    // Their promises outlast the crowd, however slowly it comes.
    const options = { keepAlive: { timeout: 120_000, hold: 240_000 }, drain: { idle: 500 } }
    const service = await serve({ kind, limit, options })
    const { account, slowest, longest, pace } = await crowd(service, kind, 4 * limit, requests)
    const verdict = account.verdict(mine(service.ledger()))
    expect(verdict).toMatchObject({ wrong: [], cutAfterRun: 0, answered: 4 * limit * requests })
    if (isLong) {
      const kept = `${Math.round(slowest)} of them while the machine kept time`
      console.log(
        `${kind}, ${limit}: the slowest took ${Math.round(longest)} ms, ${kept}; a client each ${pace.toFixed(1)} ms; ${JSON.stringify(verdict)}`,
      )
      expect(slowest).toBeLessThan(ANSWERED)
    }
    const { closes, promisesBroken } = await service.ask('stats')
    expect([closes.pressure > 0, promisesBroken.pressure > 0]).toEqual([true, kind !== 'h2' && kind !== 'h2c'])
    const warnings: { code: string; message: string }[] = await service.ask('warnings')
    // Once a minute.
    expect(new Set(warnings.map(({ code }) => code))).toEqual(new Set(['HALFCLOSE_FDS']))
    expect(warnings[0]?.message).toMatch(new RegExp(`at least \\d+ of ${limit} are open.*ulimit -n.*limits\\.connections`))
    expect(await within(service.ask('drain'), () => 'it drains', LONGEST)).toMatchObject({ clean: true, requests: { cut: 0 } })
  },
  isLong ? 600_000 : 180_000,
)

test.each(limits)(
  'a bare server with %i descriptors beside it serves those that came first, and nobody else',
  async (limit) => {
    const service = await serve({ kind: 'http', limit, bare: true })
    const account = new Account()
    const all = Array.from({ length: 4 * limit }, () => account.client({ port: service.port, kind: 'http' }))
    clients.push(...all)
    await Promise.all(all.map((client) => client.insist({ tries: 10 })))
    const { answered, cut } = account.verdict(service.ledger())
    expect(answered).toBeLessThan(limit)
    expect(cut).toBeGreaterThan(3 * limit)
  },
  180_000,
)

const GET = 'GET /r/x HTTP/1.1\r\nHost: a\r\n\r\n'

async function open(service: Service, kind: Kind): Promise<Client> {
  const client = await Client.open({ port: service.port, tls: kind === 'https' })
  clients.push(client)
  return client
}

test.each(['http', 'https'] as const)(
  '%s: where nobody is idle the new one gets 503, and a place as soon as somebody is',
  async (kind) => {
    const service = await serve({ kind })
    const account = new Account()
    const busy = Array.from({ length: 20 }, () => account.client({ port: service.port, kind }))
    clients.push(...busy)
    // How many there is room for differs: Node has some twenty descriptors of its own.
    const outcomes = await within(Promise.all(busy.map((client) => client.ask({ ms: 1_500 }))), () => told(account), LONGEST)
    const count = (outcome: string) => outcomes.filter((one) => one === outcome).length
    expect(count('answered')).toBeGreaterThan(2)
    expect(count('refused')).toBeGreaterThan(2)
    expect(account.verdict(service.ledger())).toMatchObject({ wrong: [], cutAfterRun: 0 })
    expect((await (await open(service, kind)).ask(GET)).status).toBe(200)
    expect(await service.ask('drain')).toMatchObject({ clean: true })
  },
)

test.each(['http', 'https'] as const)(
  '%s: the count of those refused never goes down: one whose request finds somebody idle was not',
  async (kind) => {
    const service = await serve({ kind })
    const account = new Account()
    const busy = Array.from({ length: 20 }, () => account.client({ port: service.port, kind }))
    clients.push(...busy)
    const slow = busy.map((client) => client.ask({ ms: 900 }))
    await Promise.race(slow)
    const late = await Promise.all(Array.from({ length: 4 }, () => open(service, kind)))
    const counted: number[] = []
    const look = async () => void counted.push((await service.ask('stats')).refused.descriptors)
    await look()
    await Promise.all(slow)
    await look()
    // Some may have gone since they were silent for long.
    await Promise.allSettled(late.map((client) => client.ask(GET)))
    await look()
    expect(counted).toEqual(counted.toSorted((one, other) => one - other))
  },
)

test('with refuse: drop the new one is closed at once', async () => {
  const service = await serve({ kind: 'http', options: { limits: { refuse: 'drop' } } })
  const account = new Account()
  const busy = Array.from({ length: 14 }, () => account.client({ port: service.port, kind: 'http' }))
  clients.push(...busy)
  const slow = busy.map((client) => client.ask({ ms: 3_000 }))
  await until('there is room for no more', async () => (await service.ask('stats')).connections.refused > 0)
  const late = await open(service, 'http')
  expect(await late.closed()).toMatch(/^(fin|reset)$/)
  await Promise.all(slow)
  expect((await service.ask('stats')).connections.refused).toBeGreaterThan(0)
})

test('clients that connect and say nothing keep nobody out: the longest silent go', async () => {
  const service = await serve({ kind: 'http' })
  for (let n = 0; n < 40; n++) await open(service, 'http')
  await sleep(1_100)
  const account = new Account()
  const client = account.client({ port: service.port, kind: 'http' })
  clients.push(client)
  expect(await within(client.insist(), () => 'it is served')).toBeGreaterThan(0)
})

test('handlers still get the descriptors that they need while clients hold all that they may', async () => {
  const service = await serve({ kind: 'http' })
  const account = new Account()
  const all = Array.from({ length: 60 }, () => account.client({ port: service.port, kind: 'http' }))
  clients.push(...all)
  await within(Promise.all(all.map((client) => client.insist({ path: '/file', tries: 1_000 }))), () => told(account), LONGEST)
  expect(account.verdict(service.ledger())).toMatchObject({ wrong: [], cutAfterRun: 0, answered: 60 })
})

test('at start a line says that the limit is low, unless connections are limited', async () => {
  const lines = async (options: object, limit: number): Promise<string[]> =>
    (await (await serve({ kind: 'http', limit, options })).ask('lines')).filter((line: string) => line.includes('descriptors'))
  expect(await lines({}, 256)).toEqual([
    expect.stringMatching(
      /^halfclose: this process may have 256 descriptors open, so at most some 224 connections; raise .*ulimit -n/,
    ),
  ])
  expect(await lines({ limits: { connections: 100 } }, 256)).toEqual([])
  expect(await lines({}, 4_096)).toEqual([])
})

import { existsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../support/client.js'
import { until, within } from '../support/wait.js'
import { where } from '../support/where.js'
import { Account, type AccountingClient, type Kind, Load, type Outcome } from './accounting.mjs'
import { Service } from './service.mjs'

// A process that is stopped, blocked, short of memory, or has faulty parts. Short here; as long as anybody waits with `npm run test:faults`.
const isLong = process.env.HALFCLOSE_FAULTS === 'long'
const kinds: Kind[] = ['http', 'https', 'express', 'fastify', ...(isLong ? (['h2', 'h2c'] as const) : [])]
/** All of them where there is time: a process of its own for each takes most of it. */
const some = (...few: Kind[]): Kind[] => (isLong ? kinds : few)
/** Milliseconds within which everything is over, however slow the machine. */
const LONGEST = 60_000
const stops = isLong ? [10_000] : [600]
const blocks = isLong ? [1_000, 5_000, 15_000] : [1_000]
const keepAlive = { timeout: 1_000, hold: 2_000 }

const services: Service[] = []
const loads: { close(): void }[] = []

afterEach(async () => {
  for (const load of loads.splice(0)) load.close()
  await Promise.all(services.splice(0).map((service) => service.end()))
})

type Setup = Parameters<typeof Service.start>[0]
type How = Parameters<typeof Service.start>[1]

async function serve(setup: Setup, how?: How): Promise<Service> {
  const service = new Service({ ...setup, options: { keepAlive, ...setup.options } }, how)
  services.push(service)
  await within(service.listening(), () => `it listens: ${service.stderr}`, LONGEST)
  return service
}

function load(account: Account, service: Service, kind: Kind, clients = 8): Load {
  const made = new Load(account, { port: service.port, kind }, { clients })
  loads.push(made)
  return made
}

function clientOf(account: Account, service: Service, kind: Kind): AccountingClient {
  const client = account.client({ port: service.port, kind })
  loads.push(client)
  return client
}

/** It drains, ends by itself, and both ledgers say the same. */
async function endsWell(service: Service, account: Account, running?: Load, drained = service.ask('drain')): Promise<void> {
  const report = await within(drained, () => 'the drain ends', LONGEST)
  await within(running?.stop() ?? Promise.resolve(), () => JSON.stringify(account.verdict({}).wrong.slice(0, 5)), LONGEST)
  expect(await within(service.leave(), () => 'nothing is left open', LONGEST)).toBe(0)
  const verdict = account.verdict(service.ledger())
  expect([report, verdict]).toMatchObject([
    { clean: true, requests: { cut: 0 } },
    { wrong: [], cutAfterRun: 0 },
  ])
  expect(verdict.answered).toBeGreaterThan(0)
}

const told = (outcome: Promise<Outcome>) => within(outcome, () => 'its client is told', LONGEST)

test.each(stops)(
  'stopped for %i ms amid serving, again amid leaving, and again amid its drain, a process loses nothing',
  async (ms) => {
    await Promise.all(
      kinds.map(async (kind) => {
        // By the clock: three stops are within the deadline.
        const service = await serve({ kind, options: { drain: { delay: ms + 500, deadline: 5 * ms + LONGEST } } })
        const account = new Account()
        const running = load(account, service, kind)
        const stop = async () => {
          service.signal('SIGSTOP')
          await sleep(ms)
          service.signal('SIGCONT')
        }
        await sleep(200)
        await stop()
        await sleep(200)
        const drained = service.ask('drain')
        await until('it leaves', async () => (await service.ask('state')) === 'leaving')
        await stop()
        // Holds the drain until it has been stopped.
        const slow = clientOf(account, service, kind).ask({ ms: 1_500 })
        await until('it drains', async () => (await service.ask('state')) === 'draining')
        await stop()
        expect(await told(slow)).toBe('answered')
        await endsWell(service, account, running, drained)
      }),
    )
  },
  180_000,
)

describe.each(blocks)('an event loop that is blocked for %i ms', (ms) => {
  const asLong = ms + LONGEST

  test(
    'over the idle deadline: a request that came meanwhile is answered',
    async () => {
      await Promise.all(
        some('http', 'https').map(async (kind) => {
          const service = await serve({ kind, options: { http2: { hold: 2_000 } } })
          const account = new Account()
          const client = clientOf(account, service, kind)
          expect(await told(client.ask())).toBe('answered')
          await sleep(1_900)
          const blocked = service.ask('block', { ms })
          await sleep(50)
          expect(await told(client.ask())).toBe('answered')
          await blocked
          await endsWell(service, account)
        }),
      )
    },
    asLong,
  )

  test(
    'at the start of a drain: who connected meanwhile is answered',
    async () => {
      await Promise.all(
        some('express', 'fastify').map(async (kind) => {
          const service = await serve({ kind })
          const account = new Account()
          const old = clientOf(account, service, kind)
          expect(await told(old.ask())).toBe('answered')
          void service.ask('block', { ms })
          const drained = service.ask('drain')
          const late = Array.from({ length: 10 }, () => clientOf(account, service, kind))
          expect(new Set(await Promise.all([old, ...late].map((client) => told(client.ask()))))).toEqual(new Set(['answered']))
          await endsWell(service, account, undefined, drained)
        }),
      )
    },
    asLong,
  )

  test(
    "over a promise's end, and over the deadline, in a drain: what came in time is answered",
    async () => {
      await Promise.all(
        some('http', 'express').map(async (kind) => {
          const service = await serve({ kind, options: { drain: { deadline: 2_500 } } })
          const account = new Account()
          const promised = clientOf(account, service, kind)
          const slow = clientOf(account, service, kind)
          expect(await told(promised.ask())).toBe('answered')
          const inFlight = slow.ask({ ms: 2_000 })
          await until('it is run', () => Object.keys(service.ledger()).length === 2)
          const drained = service.ask('drain')
          await sleep(500)
          void service.ask('block', { ms: Math.max(ms, 2_200) })
          await sleep(50)
          // A session has no promise: its GOAWAY came at once, and its client sends nothing after that.
          const kept = kind === 'h2' || kind === 'h2c' ? 'cut' : 'answered'
          expect([await told(promised.ask()), await told(inFlight)]).toEqual([kept, 'answered'])
          await endsWell(service, account, undefined, drained)
        }),
      )
    },
    asLong,
  )
})

/**
 * MB of old space, and how many are full: the rest is what a request needs, and what the collector needs to go on. V8 ends a process of which more than four fifths stay
 * full after several collections, whatever runs in it.
 */
const OLD_SPACE = 96
const FULL = isLong ? 70 : 48

test('near the limit of its heap a process answers, and drains', async () => {
  await Promise.all(
    some('fastify').map(async (kind) => {
      const service = await serve({ kind }, { execArgv: [`--max-old-space-size=${OLD_SPACE}`] })
      const account = new Account()
      const running = load(account, service, kind)
      expect(await within(service.ask('fill', { mb: FULL }), () => 'its heap is full', LONGEST)).toBeGreaterThanOrEqual(FULL)
      await sleep(isLong ? 10_000 : 400)
      await endsWell(service, account, running)
    }),
  )
}, 120_000)

test('without a descriptor left, for handlers and for connections, nobody is left without a word', async () => {
  await Promise.all(
    some('http').map(async (kind) => {
      const service = await serve({ kind }, { wrap: ['sh', '-c', 'ulimit -n 64; exec "$0" "$@"'] })
      const account = new Account()
      const running = load(account, service, kind)
      await sleep(200)
      await service.ask('take', { limit: 64, left: 0 })
      const client = clientOf(account, service, kind)
      for (let n = 0; n < 20; n++) expect(await told(client.ask({ path: '/file' }))).toMatch(/^(answered|cut|refused)$/)
      await service.ask('give')
      await sleep(100)
      expect(await within(client.insist({ path: '/file' }), () => 'it is served again')).toBeGreaterThan(0)
      await endsWell(service, account, running)
    }),
  )
}, 120_000)

const ways = ['throws', 'rejects', 'never settles']
const parts = ['logger', 'listener', 'onDrained', 'check']
/** In short each part fails in one way. */
const faults = isLong
  ? parts.flatMap((what) => ways.map((how) => ({ what, how })))
  : parts.map((what, n) => ({ what, how: ways[n % ways.length] ?? '' }))

/** A readiness check is the adapters', `onDrained` that of Express. */
const has = (kind: Kind, what: string) =>
  what === 'onDrained' ? kind === 'express' : what !== 'check' || kind === 'express' || kind === 'fastify'

test.each(isLong ? kinds : (['express'] as const))(
  '%s: a logger, a listener, onDrained, a readiness check that throws, rejects or never settles loses nothing',
  async (kind) => {
    await Promise.all(
      faults
        .filter(({ what }) => has(kind, what))
        .map(async (faulty) => {
          const service = await serve({ kind, faulty })
          const account = new Account()
          const running = load(account, service, kind, 2)
          if (faulty.what === 'check') {
            const probe = await Client.open({ port: service.port })
            loads.push({ close: () => probe.destroy() })
            expect((await probe.ask('GET /ready HTTP/1.1\r\nHost: a\r\n\r\n')).status).toBe(503)
          }
          await sleep(100)
          await endsWell(service, account, running)
        }),
    )
  },
  120_000,
)

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
const faketime = where(existsSync(FAKETIME), "no faketime of Debian's on this machine")

faketime.test(
  `the wall clock set forth and back by a day changes nothing${faketime.note}`,
  async () => {
    await Promise.all(
      some('express').map(async (kind) => {
        const file = path.join(tmpdir(), `halfclose-faketime-${process.pid}-${kind}`)
        writeFileSync(file, '+0')
        const env = {
          LD_PRELOAD: FAKETIME,
          FAKETIME_TIMESTAMP_FILE: file,
          FAKETIME_NO_CACHE: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
        }
        const service = await serve({ kind }, { env })
        const account = new Account()
        const running = load(account, service, kind)
        for (const offset of ['+1d', '-1d', '+0']) {
          writeFileSync(file, offset)
          await sleep(isLong ? 3_000 : 200)
        }
        writeFileSync(file, '-1d')
        await endsWell(service, account, running)
      }),
    )
  },
  120_000,
)

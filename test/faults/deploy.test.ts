import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import express from 'express'
import Fastify from 'fastify'
import { credentials } from '../support/hosts/http.js'
import { portOf, quiet } from '../support/server.js'
import { within } from '../support/wait.js'
import { Account, type Kind, Load, together } from './accounting.mjs'
import { Service } from './service.mjs'

// What a deploy may do wrong, while clients go on asking.
const isLong = process.env.HALFCLOSE_FAULTS === 'long'
const kinds: Kind[] = isLong ? ['http', 'https', 'express', 'fastify', 'h2'] : ['http', 'express']
const LONGEST = 60_000
const options = { keepAlive: { timeout: 1_000 } }

const services: Service[] = []
const loads: Load[] = []

afterEach(async () => {
  for (const load of loads.splice(0)) load.close()
  await Promise.all(services.splice(0).map((service) => service.end()))
})

async function serve(kind: Kind): Promise<Service> {
  const service = new Service({ kind, options })
  services.push(service)
  await within(service.listening(), () => `it listens: ${service.stderr}`, LONGEST)
  return service
}

function load(account: Account, service: Service, kind: Kind): Load {
  const made = new Load(account, { port: service.port, kind }, { clients: 6 })
  loads.push(made)
  return made
}

const stopped = (running: Load, account: Account) =>
  within(running.stop(), () => JSON.stringify(account.verdict({}).wrong.slice(0, 5)), LONGEST)

test('kill -9 of one of two backends amid load: what is lost is seen by its clients, and is the only loss beside the drain of the other', async () => {
  await Promise.all(
    kinds.map(async (kind) => {
      const [killed, drained] = [await serve(kind), await serve(kind)]
      const [ofKilled, ofDrained] = [new Account(), new Account()]
      const [first, second] = [load(ofKilled, killed, kind), load(ofDrained, drained, kind)]
      await sleep(400)
      killed.signal('SIGKILL')
      const report = await within(drained.ask('drain'), () => 'the drain ends', LONGEST)
      await Promise.all([stopped(first, ofKilled), stopped(second, ofDrained)])
      const lost = ofKilled.verdict(killed.ledger())
      expect(lost.wrong).toEqual([])
      // Nobody answers at its port any more.
      expect(lost.cut).toBeGreaterThan(0)
      expect([report, ofDrained.verdict(drained.ledger())]).toMatchObject([{ clean: true }, { wrong: [], cutAfterRun: 0 }])
      expect(await within(drained.leave(), () => 'nothing is left open', LONGEST)).toBe(0)
    }),
  )
}, 120_000)

test('a second deploy that begins while the first still drains', async () => {
  await Promise.all(
    kinds.map(async (kind) => {
      const account = new Account()
      const [one, two, three] = [await serve(kind), await serve(kind), await serve(kind)]
      const running = load(account, one, kind)
      const moveTo = (service: Service) => {
        for (const client of running.clients) client.moveTo(service.port)
      }
      await sleep(300)
      moveTo(two)
      const first = one.ask('drain')
      await sleep(100)
      moveTo(three)
      const second = two.ask('drain')
      const reports = await within(Promise.all([first, second]), () => 'both drains end', LONGEST)
      await stopped(running, account)
      const third = await three.ask('drain')
      const left = await within(
        Promise.all([one, two, three].map((service) => service.leave())),
        () => 'nothing is left',
        LONGEST,
      )
      expect([...reports, third].map(({ clean }) => clean)).toEqual([true, true, true])
      expect(left).toEqual([0, 0, 0])
      const verdict = account.verdict(together(one.ledger(), two.ledger(), three.ledger()))
      expect(verdict).toMatchObject({ wrong: [], cutAfterRun: 0, cut: 0 })
    }),
  )
}, 120_000)

/** A copy of the core, as a second package in `node_modules` would be. */
function copyOfCore(folder: string): typeof import('@halfclose/core') {
  cpSync(path.join(__dirname, '../../packages/core/dist'), folder, { recursive: true })
  return require(path.join(folder, 'index.cjs'))
}

/** Kinds of servers that are made in this process. */
const made = isLong ? (['http', 'https', 'express', 'fastify'] as const) : (['http'] as const)
type Handler = (req: IncomingMessage, res: ServerResponse) => void

/** Servers and frameworks alike: what the package governs is the server. */
async function serverOf(kind: (typeof made)[number], handler: Handler): Promise<Server> {
  if (kind === 'https') return createHttps(credentials, handler)
  if (kind === 'express') return createServer(express().use(handler))
  if (kind === 'http') return createServer(handler)
  const app = Fastify()
  app.addContentTypeParser('*', (_request: unknown, _payload: unknown, done: (error: null) => void) => done(null))
  app.all('*', (request, reply) => {
    reply.hijack()
    handler(request.raw, reply.raw)
  })
  await app.ready()
  return app.server
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return portOf(server)
}

test.each(made)(
  'two copies of the package in one process, %s: each governs its servers, and none takes the server of the other',
  async (kind) => {
    const folders = [1, 2].map(() => mkdtempSync(path.join(tmpdir(), 'halfclose-copy-')))
    const accounts = []
    for (const folder of folders) {
      const copy = copyOfCore(folder)
      const runs: Record<string, number> = {}
      const server = await serverOf(kind, (req, res) => {
        const id = new URL(req.url ?? '', 'http://a').pathname.split('/').at(-1) ?? ''
        runs[id] = (runs[id] ?? 0) + 1
        req.resume().on('end', () => res.end(`${id} 0`))
      })
      const handle = copy.attach(server, { ...options, logger: quiet })
      const account = new Account()
      const running = new Load(account, { port: await listening(server), kind }, { clients: 3 })
      loads.push(running)
      accounts.push({ copy, server, handle, account, running, runs })
    }
    const [one, other] = accounts
    if (one === undefined || other === undefined) throw new Error('there are two')
    expect(one.copy.attach).not.toBe(other.copy.attach)
    expect(() => other.copy.attach(one.server)).toThrow(expect.objectContaining({ code: 'HALFCLOSE_ALREADY_ATTACHED' }))
    await sleep(200)
    for (const { handle, account, running, runs } of accounts) {
      expect(await within(handle.drain(), () => 'it drains', LONGEST)).toMatchObject({ clean: true })
      await stopped(running, account)
      expect(account.verdict(runs)).toMatchObject({ wrong: [], cutAfterRun: 0 })
    }
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  },
  60_000,
)

test.each(made)('a drain before the first listening, %s: the server never listens, and nobody waits', async (kind) => {
  const { attach } = await import('@halfclose/core')
  const server = await serverOf(kind, (_req, res) => res.end())
  const handle = attach(server, { ...options, logger: quiet })
  const listens = new Promise((resolve) =>
    server.once('listening', () => resolve('listening')).once('close', () => resolve('closed')),
  )
  server.listen(0, 'localhost')
  const report = await within(handle.drain(), () => 'it drains', LONGEST)
  expect([report.clean, await within(listens, () => 'it closes', LONGEST)]).toEqual([
    true,
    expect.stringMatching(/closed|listening/),
  ])
  expect(server.listening).toBe(false)
})

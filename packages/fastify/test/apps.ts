import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type HalfcloseFastifyOptions, halfclose } from '@halfclose/fastify'
import type { FastifyHttpOptions, FastifyInstance } from 'fastify'
import { Client } from '../../../test/support/client.js'
import { type Deferred, deferred } from '../../../test/support/wait.js'

export type Version = 'fastify' | 'fastify-4' | 'fastify-6'
const newest: readonly Version[] = ['fastify-6']

/** Fastify 6 is for Node 24 and later. */
export const versions: readonly Version[] = [
  'fastify',
  'fastify-4',
  ...(Number.parseInt(process.versions.node, 10) >= 24 ? newest : []),
]

// The other flavours have instances of other types, whose difference does not matter here.
type Fastify = (options?: FastifyHttpOptions<Server> | { https: object } | { http2: true }) => FastifyInstance

export async function load(version: Version): Promise<Fastify> {
  return ((await import(version)) as { fastify: Fastify }).fastify
}

/** Long enough that nothing is cut, short enough to wait for. Explicit, since jest's NODE_ENV would make it fast. */
export const patient: HalfcloseFastifyOptions = { keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } }

/** A route whose answer a test gives when it wants to. */
export function heldRoute(app: FastifyInstance, path = '/held'): { arrived: Promise<void>; answer: () => void } {
  const arrived: Deferred<void> = deferred()
  const answer: Deferred<void> = deferred()
  app.get(path, async () => {
    arrived.resolve()
    await answer.promise
    return { held: true }
  })
  return { arrived: arrived.promise, answer: () => answer.resolve() }
}

export const portOf = (app: FastifyInstance): number => (app.server.address() as AddressInfo).port

const clients: Client[] = []

export async function connect(app: FastifyInstance, options: { tls?: boolean } = {}): Promise<Client> {
  const client = await Client.open({ port: portOf(app), ...options })
  clients.push(client)
  return client
}

/** For afterEach. */
export function disconnectAll(): void {
  for (const client of clients.splice(0)) client.destroy()
}

/** An application with a held route and a plain one, registered and listening. */
export async function listening(version: Version, options: HalfcloseFastifyOptions = patient) {
  const app = (await load(version))()
  await app.register(halfclose, options)
  app.get('/', async () => ({ hello: 'world' }))
  const held = heldRoute(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, held }
}

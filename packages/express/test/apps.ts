import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HalfcloseExpressOptions } from '@halfclose/express'
import type { Express } from 'express'
import { Client } from '../../../test/support/client.js'
import { deferred } from '../../../test/support/wait.js'

export const versions = ['express', 'express-4'] as const
export type Version = (typeof versions)[number]

export async function load(version: Version): Promise<() => Express> {
  return ((await import(version)) as { default: () => Express }).default
}

/** Long enough that nothing is cut, short enough to wait for. Explicit, since jest's NODE_ENV would make it fast. */
export const patient: HalfcloseExpressOptions = { keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } }

/** A route whose answer a test gives when it wants to. */
export function heldRoute(app: Express, path = '/held'): { arrived: Promise<void>; answer: () => void } {
  const arrived = deferred<void>()
  const answer = deferred<void>()
  app.get(path, (_req, res) => {
    arrived.resolve()
    void answer.promise.then(() => res.json({ held: true }))
  })
  return { arrived: arrived.promise, answer: () => answer.resolve() }
}

const clients: Client[] = []

export async function connect(server: Server, options: { tls?: boolean } = {}): Promise<Client> {
  const client = await Client.open({ port: (server.address() as AddressInfo).port, ...options })
  clients.push(client)
  return client
}

/** For afterEach. */
export function disconnectAll(): void {
  for (const client of clients.splice(0)) client.destroy()
}

export async function listening(server: Server): Promise<Server> {
  if (!server.listening) await once(server, 'listening')
  return server
}

export const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

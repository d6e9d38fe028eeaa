import { once } from 'node:events'
import type { Server } from 'node:net'
import { Client, type ClientOptions } from './client.js'

// The servers of a test file that needs no host of the contract: how they listen, and how they and their clients end.

/** A logger that says nothing. Without a logger, warnings would go to the console of the test. */
export const quiet = { info() {}, warn() {} }

/** The port of a server that listens. */
export function portOf(server: Pick<Server, 'address'>): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  return address.port
}

/** Lets a server listen on a free port, unless it listens already. Resolves to the port. */
export async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  if (!server.listening) await once(server.listen(0, host), 'listening')
  return portOf(server)
}

/** Closes a server. Its connections have to end by themselves, or by their clients. */
export async function closed(server: Server): Promise<void> {
  if (!server.listening) return
  const close = once(server, 'close')
  server.close()
  await close
}

/** What a test has opened. */
export interface Opened {
  /** Has something done after the test, before what was opened earlier ends. */
  after(end: () => unknown): void
  /** Lets a server listen, which is closed after the test. Resolves to the port. */
  listen(server: Server, host?: string): Promise<number>
  /** Connects a client, which is gone after the test. */
  connect(to: ClientOptions | ClientOptions['port']): Promise<Client>
}

/** To be called once in a test file, or in a `describe`: ends what each test has opened, in reverse. */
export const endedAfterEach = (): Opened => endedBy((end) => afterEach(end))

/** The same for tests that run at the same time: ends what they have opened when all of them are over. */
export const endedAfterAll = (): Opened => endedBy((end) => afterAll(end))

function endedBy(hook: (end: () => Promise<void>) => void): Opened {
  const ends: (() => unknown)[] = []
  hook(async () => {
    for (const end of ends.splice(0).reverse()) await end()
  })
  return {
    after: (end) => void ends.push(end),
    async listen(server, host) {
      const port = await listening(server, host)
      ends.push(() => closed(server))
      return port
    },
    async connect(to) {
      const client = await Client.open(typeof to === 'object' ? to : { port: to })
      ends.push(() => client.destroy())
      return client
    },
  }
}

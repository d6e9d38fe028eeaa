import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createHttp2Server, createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { attach, type Connections, type Options } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { FrameClient } from '../../../test/support/h2/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { until } from '../../../test/support/wait.js'

// A client that has reset its connection is gone, whatever looked like a FIN before: nobody waits for it for the time that a half-closed one has. Where a
// request and a reset are read in one go libuv tells of an end, and over TLS Node tells of no write that has failed.

interface Answering {
  once(event: 'close', listener: () => void): unknown
  end(body: string): unknown
}

class Application {
  readonly asked: Answering[] = []
  closed = 0
  readonly handle = (_req: unknown, res: Answering): void => {
    this.asked.push(res)
    res.once('close', () => this.closed++)
  }
}

const servers = {
  http: ({ handle }: Application) => createServer(handle),
  https: ({ handle }: Application) => createTlsServer(credentials, handle),
  http2: ({ handle }: Application) => createHttp2Server(handle),
  https2: ({ handle }: Application) => createSecureServer(credentials, handle),
}

type Kind = keyof typeof servers
const KINDS: readonly Kind[] = ['http', 'https', 'http2', 'https2']

async function open(kind: Kind, options: Options = {}) {
  const app = new Application()
  const server = servers[kind](app)
  const connections = attach(server, { logger: quiet, halfClosed: 600_000, drain: 'fast', ...options })
  const port = await listening(server)
  const to = { port, tls: kind.startsWith('https') }
  if (!kind.endsWith('2')) {
    const client = await Client.open(to)
    return { app, connections, client, ask: () => void client.send(get('/')) }
  }
  const frames = await FrameClient.open(to)
  await frames.frame('SETTINGS', ({ ack }) => ack)
  return { app, connections, client: frames.connection, ask: () => void frames.ask('/') }
}

async function isLetGo(app: Application, connections: Connections): Promise<void> {
  await until('the connection gone', () => connections.stats().connections.closed === 1)
  await until("the response's 'close'", () => app.closed === app.asked.length)
  const { received, finished, cut, aborted } = connections.stats().requests
  expect({ received, finished, cut, aborted }).toEqual({ received, finished: 0, cut: 0, aborted: received })
  expect(await connections.drain()).toMatchObject({ clean: true })
}

describe.each(KINDS)('%s: a client is let go at once', (kind) => {
  test('that resets its connection right behind its request', async () => {
    const { app, connections, client, ask } = await open(kind)
    ask()
    client.raw.resetAndDestroy()
    await isLetGo(app, connections)
  })

  test('that resets its connection right behind its request, whose answer comes later', async () => {
    const { app, connections, client, ask } = await open(kind)
    ask()
    client.raw.resetAndDestroy()
    await until('the request, or the end', () => app.asked.length === 1 || connections.stats().connections.closed === 1)
    for (const res of app.asked) res.end('nobody reads this')
    await isLetGo(app, connections)
  })

  test('that has sent FIN, and resets its connection while its answer is awaited', async () => {
    const { app, connections, client, ask } = await open(kind)
    ask()
    await until('the request', () => app.asked.length === 1)
    client.fin()
    await once(client.raw, 'finish')
    client.raw.resetAndDestroy()
    await isLetGo(app, connections)
  })
})

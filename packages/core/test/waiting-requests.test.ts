import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http'
import { Client } from '../../../test/support/client.js'
import { get, post, postHead } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { pass, until, within } from '../../../test/support/wait.js'
import { attach, type Connections } from '../src/index.js'
import { WaitingContexts } from './waiting-contexts.js'

interface Started {
  readonly server: Server
  readonly connections: Connections
  readonly client: Client
  /** The response to the request that all the others wait for. */
  readonly held: Promise<ServerResponse>
}

async function started(listener: RequestListener, make: () => Server = createServer): Promise<Started> {
  const server = make()
  const held = new Promise<ServerResponse>((resolve) => {
    server.on('request', (req, res) => (req.url === '/held' ? resolve(res) : listener(req, res)))
  })
  const connections = attach(server, { drain: 'fast', logger: quiet })
  const port = await listening(server)
  return { server, connections, client: await Client.open({ port }), held }
}

async function end({ client, connections }: Started): Promise<void> {
  client.vanish()
  await within(connections.drain(), () => 'the drain')
}

test('thousands of requests that are read at once share what an async context costs while they wait', async () => {
  const MANY = 2_000
  const contexts = new WaitingContexts()
  try {
    const run = await started((_req, res) => void res.end())
    await run.client.send(get('/held') + get('/').repeat(MANY))
    const held = await run.held
    await until('the rest to wait', () => contexts.begun > 0)
    expect(contexts.begun).toBe(1)
    held.end('held')
    await run.client.take(MANY + 1, 30_000)
    await until('all to leave', () => contexts.live === 0)
    await end(run)
    expect(contexts.live).toBe(0)
  } finally {
    contexts.stop()
  }
})

describe('each request that waited has the store that was entered for it', () => {
  const storage = new AsyncLocalStorage<string | undefined>()

  /** What each handler sees when it is called, and after it has waited. */
  const seenBy = async (make: () => Server, arrange: (server: Server) => void = () => {}): Promise<string[]> => {
    const seen: string[] = []
    const run = await started(async (req, res) => {
      const before = storage.getStore()
      // Of this request alone, though those behind it were parsed with it.
      storage.enterWith(`own ${req.url}`)
      await new Promise(setImmediate)
      seen.push(`${req.url}: ${before}, ${storage.getStore()}`)
      res.end()
    }, make)
    arrange(run.server)
    await run.client.send(get('/held') + get('/a') + get('/b') + post('/c', 'body') + get('/d'))
    const held = await run.held
    held.end('held')
    await run.client.take(5)
    await end(run)
    return seen
  }

  const entered = ['/a', '/b', '/c', '/d'].map((path) => `${path}: for ${path}, own ${path}`)

  test('none, where none was entered', async () => {
    expect(await seenBy(createServer)).toEqual(['/a', '/b', '/c', '/d'].map((path) => `${path}: undefined, own ${path}`))
  })

  test('by whoever has wrapped the emit of the server', async () => {
    const seen = await seenBy(createServer, (server) => {
      const { emit } = server
      server.emit = (event: string, ...args: unknown[]): boolean => {
        const [req] = args
        const call = (): boolean => Reflect.apply(emit, server, [event, ...args]) === true
        return req instanceof IncomingMessage ? storage.run(`for ${req.url}`, call) : call()
      }
    })
    expect(seen).toEqual(entered)
  })

  test("by a listener of Node's channel", async () => {
    const enter = (message: unknown): void => {
      if (typeof message === 'object' && message !== null && 'request' in message && message.request instanceof IncomingMessage)
        storage.enterWith(`for ${message.request.url}`)
    }
    subscribe('http.server.request.start', enter)
    try {
      expect(await seenBy(createServer)).toEqual(entered)
    } finally {
      unsubscribe('http.server.request.start', enter)
    }
  })

  test("by the server's own class of responses", async () => {
    class Entering extends ServerResponse {
      constructor(...args: ConstructorParameters<typeof ServerResponse>) {
        super(...args)
        storage.enterWith(`for ${args[0].url}`)
      }
    }
    expect(await seenBy(() => createServer({ ServerResponse: Entering }))).toEqual(entered)
  })

  test('by a server that hands its requests on to this one', async () => {
    const inner = createServer()
    const seen: string[] = []
    let hold: ((res: ServerResponse) => void) | undefined
    const held = new Promise<ServerResponse>((resolve) => {
      hold = resolve
    })
    inner.on('request', (req, res) => {
      if (req.url === '/held') return hold?.(res)
      seen.push(`${req.url}: ${storage.getStore()}`)
      res.end()
    })
    const outer = createServer((req, res) => void storage.run(`for ${req.url}`, () => inner.emit('request', req, res)))
    const one = attach(inner, { drain: 'fast', logger: quiet })
    const two = attach(outer, { drain: 'fast', logger: quiet })
    const port = await listening(outer)
    const client = await Client.open({ port })
    await client.send(get('/held') + get('/a') + get('/b'))
    ;(await held).end()
    await client.take(3)
    expect(seen).toEqual(['/a: for /a', '/b: for /b'])
    client.vanish()
    await Promise.all([one.drain(), two.drain()])
  })
})

test('requests behind a body that was not read are answered, although the FIN behind them is known already', async () => {
  const run = await started((_req, res) => void res.end())
  const MANY = 4
  // The body stops the reading: from then on the stream has what stands in front of the FIN.
  await run.client.send(get('/held') + postHead('/unread', 70_000) + 'x'.repeat(70_000) + get('/').repeat(MANY))
  run.client.fin()
  const held = await run.held
  await pass(100)
  held.end()
  await run.client.take(2 + MANY, 30_000)
  expect(await run.client.closed()).toBe('fin')
  expect(run.connections.stats().requests).toMatchObject({ finished: 2 + MANY, dropped: 0 })
  await end(run)
})

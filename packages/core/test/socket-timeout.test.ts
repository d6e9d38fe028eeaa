import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { get, postHead } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { pass } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'

// Timers that the application sets on its requests and sockets.

const opened = endedAfterEach()

const arms: Record<string, (req: IncomingMessage, res: ServerResponse, run: () => void) => void> = {
  'res.setTimeout()': (_req, res, run) => void res.setTimeout(30, run),
  'req.setTimeout()': (req, _res, run) => void req.setTimeout(30, run),
}

test.each(Object.entries(arms))(
  'an answer that a handler gives after its %s reaches a client that is still sending',
  async (_, arm) => {
    const server = createServer((req, res) => {
      req.pause().on('error', () => {})
      // Not in the listener itself: what Node does behind the listeners is over then.
      arm(req, res, () => setImmediate(answer, req, res))
    })
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const ended = new Promise((resolve) => connections.once('close', resolve))
    const client = await opened.connect(await opened.listen(server))
    await client.sendBeforeReading(postHead('/', 20_000_000), 'x'.repeat(1_000_000))
    expect((await client.next()).status).toBe(503)
    expect(await client.closed()).toBe('fin')
    client.destroy()
    expect(await ended).toMatchObject({ reason: 'handler' })
  },
)

function answer(req: IncomingMessage, res: ServerResponse): void {
  res.writeHead(503).end('too slow')
  req.destroy()
}

test("a timer that the application sets on an idle connection does not break the connection's promise", async () => {
  const server = createServer((req, res) => {
    const { socket } = req
    res.on('finish', () => socket.setTimeout(20)).end()
  })
  const fired = new Promise((resolve) => server.on('connection', (socket) => socket.once('timeout', resolve)))
  const connections = attach(server, { drain: 'fast', keepAlive: { timeout: 30_000 }, logger: quiet })
  const client = await opened.connect(await opened.listen(server))
  await client.ask(get('/'))
  await fired
  await pass(100) // an idle connection would be closed within a turn
  expect((await client.ask(get('/'))).status).toBe(200)
  expect(connections.stats()).toMatchObject({ closes: {}, promisesBroken: {} })
})

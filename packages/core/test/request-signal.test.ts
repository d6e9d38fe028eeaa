import { once } from 'node:events'
import { createServer, IncomingMessage, type ServerResponse } from 'node:http'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { until } from '../../../test/support/wait.js'
import { where } from '../../../test/support/where.js'
import { attach } from '../src/index.js'
import type { Connections, Options } from '../src/types.js'

// `req.signal` (Node 24.16 and 26): it aborts where the response is cut, whoever cuts it, and never after a whole answer.

const withSignal = where('signal' in IncomingMessage.prototype, 'this Node has no req.signal')

async function play(options: Options, act: (client: Client, connections: Connections, res: ServerResponse) => unknown) {
  const signals: AbortSignal[] = []
  const responses: ServerResponse[] = []
  const server = createServer((req, res) => {
    const signal: unknown = Reflect.get(req, 'signal')
    if (signal instanceof AbortSignal) signals.push(signal)
    responses.push(res.on('error', () => {}))
    if (req.url === '/whole') res.end('ok')
    else res.write('half')
  })
  const connections = attach(server, { logger: quiet, ...options })
  const port = await listening(server)
  const client = await Client.open({ port })
  await client.ask(get('/whole'))
  await client.send(get('/half'))
  await client.head(1)
  const res = responses[1]
  if (res === undefined) throw new Error('no second response')
  const closed = once(res, 'close')
  await act(client, connections, res)
  await closed
  await until('the end of the connection', () => client.gone || client.ending !== undefined)
  client.destroy()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return signals.map(({ aborted }) => aborted)
}

withSignal.test.each([
  ['a reset', {}, (client: Client) => client.reset()],
  ['halfClosed', { halfClosed: 200 }, (client: Client) => client.fin()],
  ['the deadline of a drain', { drain: { deadline: 200 } }, (_: Client, connections: Connections) => void connections.drain()],
  ['the application', {}, (_: Client, __: Connections, res: ServerResponse) => void res.destroy()],
])(`aborts where the response is cut by %s, and not for the whole one before${withSignal.note}`, async (_what, options, act) => {
  expect(await play(options, act)).toEqual([false, true])
})

withSignal.test(`does not abort for an answer that ends amid a drain${withSignal.note}`, async () => {
  const act = (_: Client, connections: Connections, res: ServerResponse) => {
    void connections.drain()
    res.end()
  }
  expect(await play({ drain: { deadline: 1_000 } }, act)).toEqual([false, false])
})

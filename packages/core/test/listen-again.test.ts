import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { attach } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { within } from '../../../test/support/wait.js'

// A bare server may listen again right after its close(), beside its old connections. Never in silence: a governed one does, or throws.

const logger = { info() {}, warn() {} }
const clients: Client[] = []

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})

async function connect(server: Server): Promise<Client> {
  const address = server.address()
  if (!isAddress(address)) throw new Error('not listening')
  const client = await Client.open({ port: address.port })
  clients.push(client)
  return client
}

function isAddress(address: AddressInfo | string | null): address is AddressInfo {
  return typeof address === 'object' && address !== null
}

/** A server with a request in flight, and how to answer that. */
async function busy() {
  const held: ServerResponse[] = []
  const server = createServer((req, res) => {
    if (req.url === '/held') held.push(res)
    else res.end('x')
  })
  const connections = attach(server, { logger, keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = await connect(server)
  void client.send(get('/held'))
  await once(server, 'request')
  return { server, connections, client, answer: () => held[0]?.end('held') }
}

const listen = (server: Server) => server.listen(0, '127.0.0.1')

test('while the server drains, listen() throws and says what to write; the drain goes on', async () => {
  const { server, client, answer } = await busy()
  const closed = new Promise((resolve) => server.close(resolve))
  const error = expect.objectContaining({
    code: 'HALFCLOSE_STILL_DRAINING',
    message: expect.stringContaining("after its 'close' event"),
  })
  expect(() => listen(server)).toThrow(error)
  while (server.listening) await new Promise((resolve) => setImmediate(resolve))
  expect(() => listen(server)).toThrow(error)
  answer()
  expect(await client.next()).toMatchObject({ status: 200, text: 'held', closes: true })
  await within(closed, () => 'the server closes')
})

test.each([
  ["its 'close' event", (server: Server, again: () => void) => void server.once('close', again).close()],
  ['the callback of close()', (server: Server, again: () => void) => void server.close(again)],
])('called in %s it is a new life', async (_where, close) => {
  const { server, connections, answer } = await busy()
  const listening = new Promise<void>((resolve) => {
    close(server, () => void listen(server).once('listening', resolve))
  })
  answer()
  await within(listening, () => 'it listens again')
  await new Promise((resolve) => setImmediate(resolve))
  expect(connections.state).toBe('serving')
  expect(await (await connect(server)).ask(get('/'))).toMatchObject({ status: 200, text: 'x', closes: false })
  expect((await connections.drain({ fast: true })).clean).toBe(true)
})

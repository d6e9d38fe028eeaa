import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { attach } from '@halfclose/core'
import type { Client } from '../../../test/support/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'

// A bare server may listen again right after its close(), beside its old connections. Never in silence: a governed one does, or throws.

const opened = endedAfterEach()

async function connect(server: Server): Promise<Client> {
  const address = server.address()
  if (!isAddress(address)) throw new Error('not listening')
  return opened.connect(address.port)
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
  const connections = attach(server, { logger: quiet, keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } })
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

test('close() while a listen() of a new life is looking up its address calls that off, as in Node', async () => {
  const { server, connections, answer } = await busy()
  answer()
  await within(connections.drain({ fast: true }), () => 'the drain')
  let listened = false
  server.once('listening', () => {
    listened = true
  })
  const closed = new Promise((resolve) => server.listen(0, 'localhost').close(resolve))
  expect(await within(closed, () => 'close() calls back')).toMatchObject({ code: 'ERR_SERVER_NOT_RUNNING' })
  await lookup('localhost')
  await new Promise((resolve) => setImmediate(resolve))
  expect(listened).toBe(false)
  await within(once(listen(server), 'listening'), () => 'it listens')
  expect(connections.state).toBe('serving')
  expect((await connections.drain({ fast: true })).clean).toBe(true)
})

test("closed before its 'listening' event has come, it can listen again", async () => {
  const server = createServer((_req, res) => res.end('x'))
  const connections = attach(server, { logger: quiet, drain: { deadline: 5_000 } })
  const anywhere = () => server.listen(0)
  const closed = new Promise((resolve) => anywhere().close(resolve))
  expect(anywhere).toThrow(expect.objectContaining({ code: 'HALFCLOSE_STILL_DRAINING' }))
  expect(await within(closed, () => 'it closes')).toBeUndefined()
  await within(once(listen(server), 'listening'), () => 'it listens again')
  expect(await (await connect(server)).ask(get('/'))).toMatchObject({ status: 200, closes: false })
  expect((await connections.drain({ fast: true })).clean).toBe(true)
})

test('on a path', async () => {
  const where = path.join(tmpdir(), `halfclose-again-${process.pid}.sock`)
  const server = createServer((_req, res) => res.end('x'))
  const connections = attach(server, { logger: quiet, drain: { deadline: 5_000 } })
  await once(server.listen(where), 'listening')
  await new Promise((resolve) => server.close(resolve))
  await within(once(server.listen(where), 'listening'), () => 'it listens again')
  const client = await opened.connect(where)
  expect(await client.ask(get('/'))).toMatchObject({ status: 200, closes: false })
  expect((await connections.drain({ fast: true })).clean).toBe(true)
})

test('over HTTP/2', async () => {
  const held: (() => void)[] = []
  const server = createHttp2Server()
  server.on('stream', (stream) => held.push(() => stream.respond({ ':status': 200 }, { endStream: true })))
  const connections = attach(server, { logger: quiet, drain: { deadline: 10_000 } })
  const port = async (): Promise<number> => {
    const address = server.address()
    if (!isAddress(address)) throw new Error('not listening')
    return address.port
  }
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const session = connectHttp2(`http://127.0.0.1:${await port()}`).on('error', () => {})
  const stream = session.request({ ':path': '/' })
  const answered = once(stream, 'response')
  await once(server, 'stream')
  const closed = new Promise((resolve) => server.close(resolve))
  expect(() => server.listen(0, '127.0.0.1')).toThrow(expect.objectContaining({ code: 'HALFCLOSE_STILL_DRAINING' }))
  held[0]?.()
  expect((await within(answered, () => 'the answer'))[0]).toMatchObject({ ':status': 200 })
  await within(closed, () => 'it closes')
  await within(once(server.listen(0, '127.0.0.1'), 'listening'), () => 'it listens again')
  const anew = connectHttp2(`http://127.0.0.1:${await port()}`).on('error', () => {})
  const again = anew.request({ ':path': '/' })
  const second = once(again, 'response')
  await once(server, 'stream')
  held[1]?.()
  expect((await within(second, () => 'the answer of the new life'))[0]).toMatchObject({ ':status': 200 })
  expect(connections.state).toBe('serving')
  session.destroy()
  anew.close()
  expect((await connections.drain({ fast: true })).clean).toBe(true)
})

test('an https server made with `pauseOnConnect` has it again after a drain', async () => {
  const server = createHttpsServer({ ...credentials, pauseOnConnect: true }, (_req, res) => res.end('x'))
  const connections = attach(server, { logger: quiet, drain: 'fast' })
  const pausedBelowTls = async (): Promise<boolean> => {
    const port = await opened.listen(server)
    const accepted: Promise<Socket[]> = once(server, 'connection')
    const client = await opened.connect({ port, tls: true })
    const [socket] = await within(accepted, () => 'the connection')
    client.vanish()
    return socket?.isPaused() ?? false
  }
  const before = await pausedBelowTls()
  await within(connections.drain(), () => 'the drain')
  expect([before, await pausedBelowTls()]).toEqual([true, true])
})

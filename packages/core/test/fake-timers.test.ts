import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { credentials } from '../../../test/support/hosts/http.js'
import { get, pipeline } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { attach } from '../src/index.js'

// Tests of applications put timers of their own in place of Node's (`jest.useFakeTimers()`), which never fire by themselves. Connections live in real time all the same.

const { listen, connect } = endedAfterEach()

beforeEach(() => {
  jest.useRealTimers()
})
afterAll(() => {
  jest.useRealTimers()
})

const closing = (server: Server | ReturnType<typeof createHttp2Server>): Promise<unknown> =>
  new Promise((resolve) => server.close(resolve))

describe.each([
  ['http', createServer],
  ['https', createTlsServer.bind(undefined, credentials)],
])('over %s, with timers that never fire', (kind, make) => {
  const handle = ({ url }: { url?: string | undefined }, res: ServerResponse): void => void setImmediateReal(() => res.end(url))

  test('server.close() closes an idle connection, and calls back', async () => {
    const server = make(handle)
    attach(server, { logger: quiet, drain: { idle: 0 } })
    const client = await connect({ port: await listen(server), tls: kind === 'https' })
    await client.ask(get('/first'))
    jest.useFakeTimers()
    expect(await closing(server)).toBeUndefined()
    jest.useRealTimers()
    expect(await client.closed()).toBe('fin')
  })

  test('pipelined requests are answered in turn, and the connection ends with its hold', async () => {
    const server = make(handle)
    const connections = attach(server, { logger: quiet, keepAlive: { timeout: 1_000 } })
    const closed = new Promise((resolve) => connections.once('close', resolve))
    const client = await connect({ port: await listen(server), tls: kind === 'https' })
    jest.useFakeTimers()
    await client.send(pipeline(get('/1'), get('/2'), get('/3')))
    expect((await client.take(3)).map(({ text }) => text)).toEqual(['/1', '/2', '/3'])
    expect(await client.closed()).toBe('fin')
    await closed
    jest.useRealTimers()
  })
})

/** Node's own, for a handler that answers later. */
const setImmediateReal = setImmediate

test('over HTTP/2, with timers that never fire: server.close() ends an idle session, and calls back', async () => {
  const server = createHttp2Server((_req, res) => res.end('ok'))
  attach(server, { logger: quiet })
  const port = await listen(server)
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const stream = session.request({ ':path': '/' }).resume()
  await once(stream, 'close')
  jest.useFakeTimers()
  expect(await closing(server)).toBeUndefined()
  jest.useRealTimers()
})

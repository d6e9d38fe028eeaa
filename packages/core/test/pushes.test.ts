import { createServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import { FrameClient } from '../../../test/support/h2/client.js'
import { listening, quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'

const CODES = [0, 1, 2, 5, 7, 8, 11]

/** Node alone ends the process, or itself with SIGSEGV (20): not a case of the contract, which plays on bare hosts, too. */
describe('a client that resets what is pushed to it', () => {
  test.each(CODES)('with the code %i: nothing is thrown, and its request is answered', async (code) => {
    const server = createServer()
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const port = await listening(server)
    const client = await FrameClient.open({ port, tls: false, settings: [[2, 1]] })
    const asked: Promise<[Http2ServerRequest, Http2ServerResponse]> = new Promise((resolve) =>
      server.once('request', (req, res) => resolve([req, res])),
    )
    const stream = client.ask('/')
    const [, res] = await within(asked, () => `the request\n${client}`)
    const push = await within(
      new Promise<ServerHttp2Stream>((resolve, reject) =>
        res.createPushResponse({ ':path': '/pushed' }, (error, pushed) => (error ? reject(error) : resolve(pushed.stream))),
      ),
      () => `the push\n${client}`,
    )
    const closed = new Promise((resolve) => push.once('close', resolve))
    push.respond({ ':status': 200 })
    push.write('half of it')
    client.cancel(2, code)
    await within(closed, () => `the end of the push\n${client}`)
    res.end('answered')
    expect((await client.answer(stream)).text).toBe('answered')
    client.connection.fin()
    await connections.drain()
  })

  test('an application that listens for its error is told', async () => {
    const server = createServer()
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const port = await listening(server)
    const told = new Promise<Error>((resolve) =>
      server.once('stream', (stream: ServerHttp2Stream) =>
        stream.pushStream({ ':path': '/pushed' }, (_error, pushed) => {
          pushed.on('error', resolve)
          pushed.respond({ ':status': 200 })
          pushed.write('half of it', () => client.cancel(2, 2))
          stream.respond({ ':status': 200 })
          stream.end('answered')
        }),
      ),
    )
    const client = await FrameClient.open({ port, tls: false, settings: [[2, 1]] })
    const stream = client.ask('/')
    expect(await within(told, () => `the error\n${client}`)).toMatchObject({ code: 'ERR_HTTP2_STREAM_ERROR' })
    expect((await client.answer(stream)).text).toBe('answered')
    client.connection.fin()
    await connections.drain()
  })
})

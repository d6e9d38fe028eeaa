import { once } from 'node:events'
import { connect, createServer, type Http2ServerRequest, type Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import { FrameClient } from '../../../test/support/h2/client.js'
import { listening, quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
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

test('behind a GOAWAY nothing is pushed: a client of Node, which takes such a push for an error of the connection, gets its answers', async () => {
  const held: ServerHttp2Stream[] = []
  const server = createServer()
  server.on('stream', (stream: ServerHttp2Stream) => held.push(stream))
  const connections = attach(server, { logger: quiet })
  const session = connect(`http://127.0.0.1:${await listening(server)}`)
  session.on('error', () => {}).on('stream', (pushed) => pushed.on('error', () => {}).resume())
  const texts = ['/1', '/2'].map(async (path) => {
    let text = ''
    const stream = session.request({ ':path': path }).setEncoding('utf8')
    for await (const piece of stream) text += piece
    return text
  })
  await until('both requests', () => held.length === 2)
  expect(held.map(({ pushAllowed }) => pushAllowed)).toEqual([true, true])
  const told = once(session, 'goaway')
  const drained = connections.drain()
  await within(told, () => 'the GOAWAY')
  for (const stream of held) {
    expect(stream.pushAllowed).toBe(false)
    expect(() => stream.pushStream({ ':path': '/pushed' }, () => {})).toThrow('push')
    stream.respond({ ':status': 200 })
    stream.end('answered')
  }
  expect(await Promise.all(texts)).toEqual(['answered', 'answered'])
  expect((await drained).clean).toBe(true)
})

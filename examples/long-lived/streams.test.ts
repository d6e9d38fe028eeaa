import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { attach, type Options } from '@halfclose/core'
import { get } from '../../test/support/requests.js'
import { until } from '../../test/support/wait.js'
import { Cast, portOf } from './testing/cast.js'

describe('a drain, and streams that', () => {
  const cast = new Cast()
  afterEach(() => cast.disband())

  /** Streams that the test ends, or does not: the first event, and then silence. */
  async function serve(options: Options) {
    const streams = new Map<string, ServerResponse>()
    const server = createServer((request, response) => {
      response.setHeader('Content-Type', 'text/event-stream')
      if (request.url !== '/kept') response.setHeader('Connection', 'close')
      streams.set(request.url ?? '', response)
      response.write('data: hello\n\n')
    })
    const connections = attach(server, options)
    server.listen(0, '127.0.0.1')
    cast.also(() => server.closeAllConnections())
    await once(server, 'listening')
    const open = async (path: string) => {
      const client = await cast.connect(portOf(server))
      void client.send(get(path))
      await client.head(0)
      return client
    }
    return { connections, streams, open }
  }

  it('do not move: whose client does not read is cut by minRate, long before the deadline; who is merely quiet is waited for', async () => {
    const { connections, streams, open } = await serve({ drain: { deadline: 120_000 } })
    expect(connections.policy.drain.minRate).toBe(240)
    const [stalled, quiet] = [await open('/stalled'), await open('/quiet')]
    stalled.stream.pause()
    // More than the kernel takes on both sides.
    streams.get('/stalled')?.write(Buffer.alloc(32 * 1024 * 1024, 'x'))

    const drained = connections.drain()
    await until('the stalled one is cut', () => connections.stats().closes.stalled === 1, 60_000)
    expect(connections.remaining()).toBeGreaterThan(0)
    expect(connections.stats().open).toMatchObject({ busy: 0, closing: 1 })
    streams.get('/quiet')?.end('data: goodbye\n\n')
    expect(await quiet.next()).toMatchObject({ complete: true, text: 'data: hello\n\ndata: goodbye\n\n' })

    expect(await drained).toMatchObject({ clean: false, requests: { cut: 1, finished: 1 }, heldBy: [] })
    stalled.stream.resume()
    await stalled.closed()
    expect(stalled.answers.list).toEqual([])
  }, 90_000)

  it('end themselves: who said `Connection: close` goes at once, who did not is owed its promise and a second', async () => {
    const { connections, streams, open } = await serve({ keepAlive: { timeout: 2_000 } })
    connections.signal.addEventListener('abort', () => {
      for (const stream of streams.values()) stream.end('data: goodbye\n\n')
    })
    const [closing, kept] = [await open('/closing'), await open('/kept')]
    const drained = connections.drain()
    for (const client of [closing, kept]) expect((await client.next()).text).toBe('data: hello\n\ndata: goodbye\n\n')
    expect(await closing.closed()).toBe('fin')
    expect(kept.ending).toBeUndefined()
    expect(await kept.closed()).toBe('fin')
    const report = await drained
    expect(report).toMatchObject({ clean: true, heldBy: [] })
    expect(report.ms).toBeGreaterThanOrEqual(3_000)
  })

  it('do not end themselves are cut at the deadline, visibly, and named', async () => {
    const { connections, open } = await serve({ drain: { deadline: 2_000 } })
    const endless = await open('/endless?token=secret')
    const report = await connections.drain()
    expect(report).toMatchObject({ clean: false, requests: { cut: 1 }, heldBy: [{ method: 'GET', path: '/endless' }] })
    expect(report.ms).toBeGreaterThanOrEqual(2_000)
    await endless.closed()
    // Without the last chunk.
    expect(endless.answers.list).toEqual([])
  })
})

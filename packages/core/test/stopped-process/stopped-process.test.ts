import type { Options } from '@halfclose/core'
import { frame, settings, uint32 } from '../../../../test/support/h2/frames.js'
import { pass } from '../../../../test/support/wait.js'
import { type Kind, type Setup, StoppableServer } from './stoppable-server.js'

// The server's process is stopped (SIGSTOP) across a bound, and its clients go on. It uses what was built: `npm run build` first.
const http1 = ['http', 'https'] as const
const http2 = ['h2c', 'h2'] as const
const secure = ['https', 'h2'] as const
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const post = (path: string, length: number) => `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`

/** The listener is closed: the deadline is all that is waited for. */
async function drainAndGoOn(server: StoppableServer): Promise<void> {
  await server.drain()
  await pass(200)
}

const WAYS = ['stopped', 'blocked'] as const

type Start = (options: Options, more?: Setup) => Promise<StoppableServer>

/** They run at the same time: each of them mostly waits. */
function across<K extends Kind>(kinds: readonly K[], title: string, run: (start: Start, kind: K) => Promise<void>): void {
  const ways = kinds.flatMap((kind, n) => WAYS.filter((way) => n === 0 || way === 'blocked').map((way) => [kind, way] as const))
  it.concurrent.each(ways)(`%s, %s: ${title}`, async (kind, way) => {
    const servers: StoppableServer[] = []
    const start: Start = async (options, more = {}) => {
      const server = await StoppableServer.start(kind, way, { options, ...more })
      servers.push(server)
      return server
    }
    try {
      await run(start, kind)
    } finally {
      for (const server of servers) server.stop()
    }
  })
}

across(http1, 'the deadline of a drain: what reached the kernel meanwhile is answered, first requests as well', async (start) => {
  const server = await start({ drain: { deadline: 1_500 } })
  const [kept, fresh, upload] = [await server.client(), await server.client(), await server.client()]
  await kept.ask(GET)
  void upload.send(post('/upload', 4))
  await server.arrived('/upload')
  await drainAndGoOn(server)
  await server.stand(1_800, () => Promise.all([kept.send(GET), fresh.send(GET), upload.send('body')]))
  expect([(await kept.next()).status, (await fresh.next()).status, String((await upload.next()).body)]).toEqual([
    200,
    200,
    '4 bytes',
  ])
  const { clean, requests, promisesBroken } = await server.reported()
  expect([clean, requests, promisesBroken]).toEqual([true, { finished: 1, rescued: 2, cut: 0 }, {}])
})

across(http1, 'the deadline of a drain, with an answer that has been delivered: it is not called cut', async (start) => {
  const server = await start({ drain: { deadline: 1_500 } })
  const client = await server.client()
  void client.send('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n')
  await server.arrived('/wait')
  await drainAndGoOn(server)
  await server.stand(1_800, () => server.tell('answer'))
  expect(String((await client.next()).body)).toBe('waited')
  const { clean, requests } = await server.reported()
  expect([clean, requests]).toEqual([true, { finished: 1, rescued: 0, cut: 0 }])
})

for (const linger of [{ quiet: 2_000 }, { total: 5_000 }])
  across(http1, `linger ${JSON.stringify(linger)} of an early answer: it is not reset away`, async (start) => {
    const server = await start({ linger })
    const client = await server.client()
    client.stream.pause()
    void client.send(post('/early', 2_000_000))
    await server.arrived('/early')
    await client.send(Buffer.alloc(100_000))
    // Its answer is with the kernel, and the server has noted that.
    await pass(600)
    await server.stand(5_500, () => client.send(Buffer.alloc(100_000)))
    for (let n = 0; n < 5; n++) {
      await client.send(Buffer.alloc(10_000))
      await pass(20)
    }
    client.stream.resume()
    expect([(await client.next()).status, await client.closed()]).toEqual([413, 'fin'])
  })

across(http1, 'the wait for the request of one connection too many: it gets its 503', async (start) => {
  const server = await start({ limits: { connections: 1 }, linger: { quiet: 300 } })
  const first = await server.client()
  await first.ask(GET)
  const second = await server.client()
  await server.stand(700, () => second.send(GET))
  expect((await second.next()).status).toBe(503)
})

across(http1, '`halfClosed`: the answer that the application gives meanwhile reaches the client', async (start) => {
  const server = await start({ halfClosed: 300 })
  const client = await server.client()
  void client.send('GET /wait HTTP/1.1\r\nHost: a\r\n\r\n')
  client.fin()
  await server.arrived('/wait')
  await server.stand(700, () => server.tell('answer'))
  expect(String((await client.next()).body)).toBe('waited')
})

across(http1, 'the bound of a late answer to a malformed request', async (start) => {
  const server = await start({ linger: { total: 400 } }, { answersErrors: true })
  const client = await server.client()
  void client.send('malformed\r\n\r\n')
  await server.arrived('malformed')
  await server.stand(800, () => server.tell('answer'))
  expect((await client.next()).status).toBe(400)
})

for (const [what, before, rest] of [
  ['headersTimeout', 'GET / HTTP/1.1\r\nHo', 'st: a\r\n\r\n'],
  ['requestTimeout', `${post('/upload', 8)}half`, 'half'],
] as const)
  across(http1, `Node's own ${what}: what came meanwhile is not late`, async (start) => {
    const server = await start({}, { timeouts: { headersTimeout: 2_000, requestTimeout: 2_000 } })
    const client = await server.client()
    await client.ask(GET)
    await client.send(before)
    await pass(200)
    await server.stand(3_000, () => client.send(rest))
    expect((await client.next()).status).toBe(200)
    // And what does not come is late still.
    await client.send(before)
    expect((await client.next(20_000)).status).toBe(408)
  })

across(http1, 'the hold of an idle connection', async (start) => {
  const server = await start({ keepAlive: { timeout: 1_000 } })
  const one = await server.client()
  await one.ask(GET)
  await server.stand(2_300, () => one.send(GET))
  expect((await one.next()).status).toBe(200)
})

across(http1, 'the promise of an idle connection in a drain', async (start) => {
  const server = await start({ keepAlive: { timeout: 1_000 }, drain: { deadline: 10_000 } })
  const [one, other] = [await server.client(), await server.client()]
  await one.ask(GET)
  await other.ask(GET)
  await server.drain()
  await server.stand(2_300, () => Promise.all([one.send(GET), other.send(GET)]))
  expect([(await one.next()).status, (await other.next()).status]).toEqual([200, 200])
  expect((await server.reported()).requests.rescued).toBe(2)
})

across(http1, 'the time in which a drain gives a proxy the chance to use what it holds', async (start) => {
  const server = await start({ keepAlive: { timeout: 1_000, hold: 30_000 }, drain: { deadline: 20_000 } })
  const [one, other] = [await server.client(), await server.client()]
  await one.ask(GET)
  await other.ask(GET)
  await pass(2_200)
  server.tell('drain')
  await server.stand(3_000, () => one.send(GET))
  const answer = await one.next()
  expect([answer.closes, await other.closed()]).toEqual([true, 'fin'])
  // A second after the last request, and not at once.
  expect(other.endedAt - answer.headAt).toBeGreaterThanOrEqual(400)
  expect((await server.reported()).requests.rescued).toBe(1)
})

across(http1, 'the delay of a drain: those who ask for readiness have time to ask', async (start) => {
  const server = await start({ drain: { delay: 500, deadline: 10_000 } })
  await server.drain('leaving')
  const stood = await server.stand(1_000)
  expect((await server.reported()).phases.leaving).toBeGreaterThan(stood + 200)
})

across(http2, 'the deadline of a drain: what reached the kernel meanwhile is answered', async (start) => {
  const server = await start({ drain: { deadline: 1_500 } })
  const session = await server.session()
  const stream = session.ask('/upload', { method: 'POST', end: false })
  const waits = session.ask('/wait')
  await server.arrived('/upload')
  await server.arrived('/wait')
  await drainAndGoOn(server)
  await server.stand(1_800, () => {
    session.data(stream, 'body', true)
    server.tell('answer')
  })
  expect([(await session.answer(stream)).text, (await session.answer(waits)).text]).toEqual(['4 bytes', 'waited'])
  const { clean, requests } = await server.reported()
  expect([clean, requests]).toEqual([true, { finished: 2, rescued: 0, cut: 0 }])
})

across(http2, '`http2.hold`: the stream that was opened meanwhile is answered', async (start) => {
  const server = await start({ http2: { hold: 300 } })
  const session = await server.session()
  await session.get('/')
  let stream = 0
  await server.stand(700, () => {
    stream = session.ask('/')
  })
  expect((await session.answer(stream)).status).toBe(200)
})

across(http2, '`http2.stalled`: the window that was opened meanwhile counts', async (start) => {
  const server = await start({ http2: { stalled: 2_500 } })
  const session = await server.session({ settings: [[settings.INITIAL_WINDOW_SIZE, 0]] })
  const stream = session.ask('/large')
  await session.head(stream)
  // The server has seen once that the window is closed.
  await pass(1_300)
  await server.stand(3_500, () => session.send(frame('WINDOW_UPDATE', 0, stream, uint32(300_000))))
  expect((await session.answer(stream)).text.length).toBe(300_000)
})

across(http2, '`halfClosed`: the answer that the application gives meanwhile reaches the client', async (start) => {
  const server = await start({ halfClosed: 300 })
  const session = await server.session()
  const stream = session.ask('/wait')
  await server.arrived('/wait')
  session.connection.fin()
  await server.stand(700, () => server.tell('answer'))
  expect((await session.answer(stream)).text).toBe('waited')
})

across(http2, 'the wait for the first stream of one session too many: it gets its 503', async (start) => {
  const server = await start({ limits: { connections: 1 }, linger: { quiet: 300 } })
  const first = await server.session()
  await first.get('/')
  const second = await server.session()
  let stream = 0
  await server.stand(700, () => {
    stream = second.ask('/')
  })
  expect((await second.answer(stream)).status).toBe(503)
})

across(
  secure,
  'the bound of TLS handshakes in a drain: the handshake is finished, and the request behind it answered',
  async (start, kind) => {
    const server = await start({ drain: { silent: 1_000, deadline: 10_000 } })
    let begin: () => void = () => {}
    const handshake = new Promise<void>((resolve) => {
      begin = resolve
    })
    const opened = kind === 'h2' ? server.session({ handshake }) : server.client({ handshake })
    // TCP is connected when the server has accepted another one after it.
    await server.client({ tls: true })
    await server.drain()
    await server.stand(1_700, begin)
    const client = await opened
    const status = 'get' in client ? (await client.get('/')).status : (await client.ask(GET)).status
    expect(status).toBe(200)
    expect((await server.reported()).requests.rescued).toBe(1)
  },
)

/** A slow one, in two halves: the server takes a sample before the first, and one right after it has stood still. */
async function uploadAcross(server: StoppableServer, meanwhile: boolean): Promise<string> {
  const half = Buffer.alloc(3_000)
  const session = server.kind === 'h2c' || server.kind === 'h2' ? await server.session() : undefined
  const client = session === undefined ? await server.client() : undefined
  const stream = session?.ask('/upload', { method: 'POST', end: false }) ?? 0
  void client?.send(post('/upload', 6_000))
  const send = (end: boolean) => {
    session?.data(stream, half, end)
    return client?.send(half)
  }
  await server.arrived('/upload')
  if (meanwhile) await server.drain()
  await pass(1_200)
  await server.stand(6_000, () => (meanwhile ? send(false) : undefined))
  await pass(300)
  if (!meanwhile) await send(false)
  await send(true)
  return client === undefined ? ((await session?.answer(stream))?.text ?? '') : String((await client.next()).body)
}

across([...http1, ...http2], '`drain.minRate`: what came meanwhile counts', async (start) => {
  expect(await uploadAcross(await start({ drain: { deadline: 30_000, minRate: 240 } }), true)).toBe('6000 bytes')
})

across([...http1, ...http2], '`limits.minRate`: a client that waits for the server is not slow', async (start) => {
  expect(await uploadAcross(await start({ limits: { minRate: 240 } }), false)).toBe('6000 bytes')
})

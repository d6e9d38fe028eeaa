import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { describeWith, find } from '../clients/client.js'
import { H2Host, type Options, type Route } from '../support/h2/host.js'
import type { H2HostName } from '../support/h2/hosts.js'
import { until, within } from '../support/wait.js'
import { type Http2Client, nodeHttp2, type Outcome, undici } from './sessions.js'

const routes: Record<string, Route> = {
  '/slow': (_req, res) => void setTimeout(() => res.end('ok'), 20),
  '/load': (_req, res, host) => {
    if (host.seen.list.length === 2_000) void host.stop()
    res.end('ok')
  },
}

async function on(name: H2HostName, options: Options, test: (host: H2Host, origin: string) => Promise<void>): Promise<void> {
  const host = await H2Host.start(name, 'halfclose', { options, routes })
  try {
    await test(host, `${host.tls ? 'https' : 'http'}://127.0.0.1:${host.port}`)
  } finally {
    await host.dispose()
  }
}

async function meet(
  client: Http2Client,
  name: H2HostName,
  run: (get: (path: string) => Promise<Outcome>, host: H2Host) => Promise<void>,
): Promise<void> {
  await on(name, {}, async (host, origin) => {
    const sessions = client.open(origin)
    await run(sessions.get, host).finally(sessions.end)
  })
}

const refused = (outcome: Outcome): boolean => 'failed' in outcome && outcome.failed === 'ECONNREFUSED'
const answered = (outcome: Outcome): boolean => 'text' in outcome && outcome.text === 'ok'

/** Five at a time until nobody listens any more; the server is told to stop amid them. */
async function drainAmid(get: (path: string) => Promise<Outcome>, host: H2Host): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const worker = async (index: number): Promise<void> => {
    for (let count = 0; count < 2_000; count++) {
      const outcome = await get(`/slow?${index}-${count}`)
      outcomes.push(outcome)
      if (refused(outcome)) return
    }
  }
  const workers = Promise.all(Array.from({ length: 5 }, (_, index) => worker(index)))
  await until('the client at work', () => outcomes.filter(answered).length > 50)
  void host.stop()
  await within(workers, () => 'the client to notice that nobody listens any more', 15_000)
  equal(outcomes.filter(refused).length, 5)
  return outcomes
}

const runs = (host: H2Host, { path }: Outcome): number => host.paths.filter((each) => each === path).length

describe('real clients of HTTP/2', () => {
  for (const client of [nodeHttp2, undici]) {
    it.concurrent.each(client.hosts)(`${client.name}, %s: 300 requests, five at a time, over one session`, (name) =>
      meet(client, name, async (get, host) => {
        const worker = async (index: number): Promise<void> => {
          for (let count = 0; count < 60; count++) deepEqual(answered(await get(`/slow?${index}-${count}`)), true)
        }
        await get('/slow')
        await Promise.all(Array.from({ length: 5 }, (_, index) => worker(index)))
        equal(host.connections.stats().connections.opened, 1)
      }),
    )

    it.concurrent.each(client.hosts)(
      `${client.name}, %s: an idle session at the drain: no error, and then nobody listens`,
      (name) =>
        meet(client, name, async (get, host) => {
          ok(answered(await get('/slow')))
          await within(host.stop(), () => 'stop() to end')
          const outcome = await get('/slow?late')
          ok(refused(outcome), JSON.stringify(outcome))
          const { clean, connections } = await host.report()
          deepEqual([clean, connections.closed], [true, 1])
        }),
    )
  }

  it.concurrent.each(nodeHttp2.hosts)(
    'http2.connect, %s: a drain amid the load: every request is answered, or was never run and says so',
    (name) =>
      meet(nodeHttp2, name, async (get, host) => {
        for (const outcome of await drainAmid(get, host)) {
          if ('text' in outcome) deepEqual([outcome.text, runs(host, outcome)], ['ok', 1])
          else {
            match(outcome.failed, /^(ECONNREFUSED|ERR_HTTP2_GOAWAY_SESSION|ERR_HTTP2_SESSION_ERROR|RST_STREAM 7)$/)
            equal(runs(host, outcome), 0, JSON.stringify(outcome))
          }
        }
        const { clean, requests } = await host.report()
        deepEqual([clean, requests.cut], [true, 0])
      }),
  )

  // undici 7 lets go of a session, and of every stream on it, as soon as any GOAWAY comes, whatever its last stream id says.
  it.concurrent.each(undici.hosts)(
    'undici with allowH2, %s: a drain amid the load: nothing fails but what undici itself drops at the GOAWAY',
    (name) =>
      meet(undici, name, async (get, host) => {
        const outcomes = (await drainAmid(get, host)).filter((outcome) => !answered(outcome) && !refused(outcome))
        for (const outcome of outcomes) match('failed' in outcome ? outcome.failed : '', /"GOAWAY" frame received with code 0/)
        // Of five in flight, at its session's end and once more at that of the session it opened before the listener closed.
        ok(outcomes.length <= 10, `${outcomes.length}`)
        equal((await host.report()).requests.cut, 0)
      }),
  )
})

/** What a program prints, and that it ended by itself. */
async function run(program: string, args: string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
  const exit = once(child, 'exit')
  const [output] = await within(Promise.all([text(child.stdout), exit]), () => `${program} to end`, 25_000)
  clearTimeout(late)
  return output
}

const numbers = (output: string, pattern: RegExp): number[] => (pattern.exec(output) ?? []).slice(1).map(Number)
const hosts = ['http2', 'https2'] as const

describeWith(find('h2load'), 'h2load', 'no h2load on this machine', (h2load) => {
  it.each(hosts)('%s: 5,000 requests over 10 sessions, 10 at a time: no error', (name) =>
    on(name, {}, async (host, origin) => {
      const output = await run(h2load, ['-n5000', '-c10', '-m10', `${origin}/`])
      deepEqual(numbers(output, /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/), [5_000, 0, 0, 0], output)
      equal(host.connections.stats().connections.opened, 10)
    }),
  )

  it.each(hosts)('%s: a drain amid the load: all that the server answered was received', (name) =>
    on(name, {}, async (host, origin) => {
      const output = await run(h2load, ['-n200000', '-c10', '-m10', `${origin}/load`])
      const { clean, requests } = await host.report()
      deepEqual([clean, requests.cut], [true, 0])
      deepEqual(numbers(output, /status codes: (\d+) 2xx/), [host.connections.stats().requests.finished], output)
    }),
  )
})

describeWith(find('nghttp'), 'nghttp', 'no nghttp on this machine', (nghttp) => {
  it.each(hosts)('%s: a drain while it waits: the GOAWAY names its stream, and the answer comes behind it', (name) =>
    on(name, {}, async (host, origin) => {
      const printed = run(nghttp, ['-v', '--no-dep', `${origin}/held`])
      const { res } = await host.request('/held')
      await host.stopping()
      await until('the last GOAWAY', () => host.connections.stats().open.closing === 1)
      res.end('late')
      const output = await printed
      match(
        output,
        /recv GOAWAY frame[^[]*last_stream_id=(?!0)\d+, error_code=NO_ERROR\(0x00\)[\s\S]*recv \(stream_id=\d+\) :status: 200[\s\S]*late/,
      )
      equal(host.connections.stats().requests.finished, 1)
      ok((await host.report()).clean)
    }),
  )
})

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { Program } from '../testing/child.js'
import { RawClient } from '../testing/raw-client.js'
import { listens } from '../testing/sigterm.js'

// Each example, stopped amid an exchange: what was in flight and what was promised is answered, the last answers say close, the exit code is 0.

const json = 'Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n'
const post = (target: string, body: string, fields = '') =>
  `POST ${target} HTTP/1.1\r\nHost: example\r\n${json}${fields}Content-Length: ${body.length}\r\n\r\n${body}`
const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: example\r\n${fields}\r\n`
const query = '{"query":"{hello}"}'
const call = (id: number, method: string, params: object) => JSON.stringify({ jsonrpc: '2.0', id, method, params })
const initialize = call(1, 'initialize', {
  protocolVersion: '2025-03-26',
  capabilities: {},
  clientInfo: { name: 'a', version: '1' },
})

interface Scene {
  /** An upload that is half sent when the signal comes, and what the answer has in it. */
  readonly target: string
  readonly body: string
  readonly answer: string
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  /** What is done before the signal; what it returns is done when the process has ended. */
  readonly also?: (connect: () => Promise<RawClient>) => Promise<(lines: readonly string[]) => unknown>
}

const echo: Scene = { target: '/echo', body: '{"half":"close"}', answer: '{"half":"close"}' }
const graphql: Scene = { target: '/graphql', body: query, answer: '{"data":{"hello":"world"}}' }

async function stopAmid(file: string, { target, body, answer, args = [], env = {}, also }: Scene): Promise<void> {
  const environment = { NODE_ENV: 'production', PORT: '0', DRAIN_DELAY: '0', ...env }
  const example = new Program(process.execPath, [...args, path.join(__dirname, file)], environment)
  const clients: RawClient[] = []
  try {
    const port = Number((await example.line(/^listening on port (\d+)/))[1])
    const connect = async () => {
      const client = await RawClient.connect(port)
      clients.push(client)
      return client
    }
    const promised = await connect()
    const first = await promised.request(post(target, body))
    expect(first.body).toContain(answer)
    expect(first.headers.get('keep-alive')).toBe('timeout=5')
    const after = await also?.(connect)

    const inFlight = await connect()
    const whole = post(target, body)
    const posts = () => example.lines.filter((line) => line.startsWith('POST')).length
    const before = posts()
    inFlight.write(whole.slice(0, -5))
    while (posts() === before) await new Promise((resolve) => setTimeout(resolve, 10))
    example.terminate()
    while (await listens(port)) await new Promise((resolve) => setTimeout(resolve, 20))

    const rescued = await promised.request(whole)
    inFlight.write(whole.slice(-5))
    const finished = await inFlight.response()
    for (const each of [rescued, finished]) {
      expect(each.body).toContain(answer)
      expect(each.headers.get('connection')).toBe('close')
    }
    for (const client of [promised, inFlight]) expect(await client.ended()).toEqual(['data', 'end', 'close'])
    for (const client of clients) client.close()
    expect(await example.exit).toEqual({ code: 0, signal: null })
    await after?.(example.lines)
  } finally {
    for (const client of clients) client.destroy()
    example.kill()
  }
}

/** An event stream that is open when the signal comes: it ends whole. */
async function stream(client: RawClient, request: string): Promise<() => Promise<void>> {
  client.write(request)
  while (!client.text.includes('\r\n\r\n')) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(client.text).toMatch(/^HTTP\/1\.1 200 /)
  return async () => {
    await client.ended()
    expect(client.text.endsWith('0\r\n\r\n') || client.text).toBe(true)
  }
}

test.concurrent.each<[string, Scene]>([
  ['hono.mjs', echo],
  ['koa.mjs', echo],
  ['h3.mjs', { ...echo, args: ['--import', '@halfclose/core/register'] }],
  ['react-router.mjs', echo],
  ['sveltekit.mjs', echo],
  ['worker-thread.mjs', echo],
  ['apollo.mjs', graphql],
  [
    'yoga.mjs',
    {
      ...graphql,
      also: async (connect) =>
        stream(await connect(), post('/graphql', '{"query":"subscription{tick}"}').replace('application/json, ', '')),
    },
  ],
])('%s', stopAmid)

test('mcp.mjs: the streams that clients hold open end when the drain begins', async () => {
  await stopAmid('mcp.mjs', {
    target: '/mcp',
    body: initialize,
    answer: '"serverInfo"',
    async also(connect) {
      const { headers } = await (await connect()).request(post('/mcp', initialize))
      const session = `Mcp-Session-Id: ${headers.get('mcp-session-id')}\r\nAccept: text/event-stream\r\n`
      return stream(await connect(), get('/mcp', session))
    },
  })
})

test('opentelemetry.mjs: the span of the last request is exported', async () => {
  await stopAmid('opentelemetry.mjs', {
    ...echo,
    also: async () => (lines) => expect(lines.filter((line) => line.includes('the last span')).length).toBeGreaterThanOrEqual(2),
  })
})

test('sentry.mjs: the event of the last request is sent before the process exits', async () => {
  const events: string[] = []
  const sentry = createServer(async (request, response) => {
    events.push(await text(request))
    response.end('{}')
  }).listen(0, '127.0.0.1')
  await once(sentry, 'listening')
  const { port } = sentry.address() as AddressInfo
  try {
    await stopAmid('sentry.mjs', { ...echo, env: { SENTRY_DSN: `http://key@127.0.0.1:${port}/1` } })
    for (const number of [1, 2, 3]) expect(events.some((event) => event.includes(`"answered ${number}"`)) || events).toBe(true)
  } finally {
    sentry.close()
    sentry.closeAllConnections()
  }
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from '../../../../test/support/client.js'
import { within } from '../../../../test/support/wait.js'

// No logger is given: what is lost is said on stderr all the same. The children use what was built: `npm run build` first.
const hosts = ['http', 'express', 'fastify'] as const

let child: ChildProcess
const clients: Client[] = []

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
  child.kill('SIGKILL')
})

async function start(
  host: string,
  options: object,
): Promise<{ open: () => Promise<Client>; stop: () => Promise<{ code: number; stderr: string }> }> {
  const started = spawn(process.execPath, [path.join(__dirname, 'app.mjs'), host, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  child = started
  let stderr = ''
  started.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const closed = once(started, 'close')
  const [line]: string[] = await within(once(createInterface(started.stdout), 'line'), () => `it listens; it said ${stderr}`)
  const port = Number(line?.split(' ')[1])
  return {
    open: async () => {
      const client = await Client.open({ port })
      clients.push(client)
      return client
    },
    stop: async () => {
      started.kill('SIGTERM')
      const [code] = await within(closed, () => `it ends; it said ${stderr}`, 15_000)
      return { code, stderr }
    },
  }
}

const STREAM = 'GET /stream?secret=1 HTTP/1.1\r\nHost: a\r\n\r\n'
const UPGRADE = 'GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'

describe.each(hosts)('%s without a logger', (host) => {
  test('says what the deadline cut, and before that what holds it up', async () => {
    const { open, stop } = await start(host, { drain: { deadline: 2_600 } })
    const client = await open()
    await client.send(STREAM)
    await client.head(0)
    const { code, stderr } = await stop()
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /\[HALFCLOSE_DRAIN_HELD\] HalfcloseWarning: halfclose: draining, [\d.]+ s left: 1 busy open; oldest GET \/stream for \d/,
    )
    expect(stderr).toMatch(
      /\[HALFCLOSE_DRAIN_CUT\] HalfcloseWarning: halfclose: the drain was not clean, it took [\d.]+ s \(SIGTERM\): 0 requests finished, 0 rescued, 1 cut; 1 connection closed; 1 held it to the deadline\n {2}busy GET \/stream for \d/,
    )
    expect(stderr).not.toMatch(/drained|secret/)
  })

  test('says that one of another protocol held it to the deadline', async () => {
    const { open, stop } = await start(host, { drain: { deadline: 1_000 } })
    const client = await open()
    await client.send(UPGRADE)
    await client.head(0)
    const { code, stderr } = await stop()
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /\[HALFCLOSE_DRAIN_CUT\] HalfcloseWarning: halfclose: the drain was held to its deadline, [\d.]+ s \(SIGTERM\): .*\n {2}upgraded/,
    )
    expect(stderr).not.toMatch(/drained/)
  })

  test('says nothing where nothing was lost', async () => {
    const { stop } = await start(host, {})
    expect(await stop()).toEqual({ code: 0, stderr: '' })
  })
})

import { deepEqual, equal, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Options } from '@halfclose/core'
import { Host, type Route } from '../support/host.js'
import { within } from '../support/wait.js'
import { describeWith, find } from './client.js'

/** What a load generator prints, and that it ended by itself. */
async function run(program: string, args: string[]): Promise<string> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
  const exit = once(child, 'exit')
  const [output] = await within(Promise.all([text(child.stdout), exit]), () => `${program} to end`, 25_000)
  clearTimeout(late)
  return output
}

const numbers = (output: string, pattern: RegExp): number[] => (pattern.exec(output) ?? []).slice(1).map(Number)

const routes: Record<string, Route> = {
  '/refuse': (_req, res) => void res.writeHead(413, { Connection: 'close' }).end('too much'),
  '/500': (_req, res, host) => {
    if (host.seen.list.length === 500) void host.stop()
    res.end('ok')
  },
}

async function on(options: Options, test: (host: Host, url: string) => Promise<void>): Promise<void> {
  const host = await Host.start('http', 'halfclose', { options, routes })
  try {
    await test(host, `http://127.0.0.1:${host.port}`)
  } finally {
    await host.dispose()
  }
}

const kept: Options = { keepAlive: { timeout: 4_000, maxRequests: 50 } }
const folder = mkdtempSync(join(tmpdir(), 'halfclose-load-'))
const upload = join(folder, 'upload')
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(upload, Buffer.alloc(1_000_000))

describeWith(find('wrk'), 'wrk', 'no wrk on this machine', (wrk) => {
  /** Not the refused connections after the listener closed, on which wrk goes on until its time is over: it counts them as connect or write. */
  const errors = (output: string) => numbers(output, /read (\d+), write \d+, timeout (\d+)/)

  it('20 connections of 50 requests each: no error', () =>
    on(kept, async (host, url) => {
      const output = await run(wrk, ['-t1', '-c20', '-d2s', `${url}/`])
      ok(!output.includes('Socket errors'), output)
      const { requests, connections } = host.connections.stats()
      ok(connections.opened <= requests.finished / 50 + 20, `${connections.opened} connections for ${requests.finished} requests`)
    }))

  it('uploads of 1 MB that are refused early: every one sees the 413, none an error', () =>
    on(kept, async (_host, url) => {
      const script = join(folder, 'upload.lua')
      writeFileSync(script, 'wrk.method = "POST"\nwrk.body = string.rep("x", 1000000)\n')
      const output = await run(wrk, ['-t1', '-c10', '-d2s', '-s', script, `${url}/refuse`])
      ok(!output.includes('Socket errors'), output)
      const [requests = 0] = numbers(output, /(\d+) requests in/)
      deepEqual(numbers(output, /Non-2xx or 3xx responses: (\d+)/), [requests])
      ok(requests > 10, output)
    }))

  it('a drain amid the load: no error, and all that the server answered was received', () =>
    on({ keepAlive: { timeout: 4_000 } }, async (host, url) => {
      const output = await run(wrk, ['-t1', '-c20', '-d3s', `${url}/500`])
      const { clean, promisesBroken } = await host.report()
      deepEqual({ clean, promisesBroken }, { clean: true, promisesBroken: {} })
      deepEqual(errors(output), [0, 0], output)
      deepEqual(numbers(output, /(\d+) requests in/), [host.connections.stats().requests.finished])
    }))
})

describeWith(find('h2load'), 'h2load over HTTP/1.1', 'no h2load on this machine', (h2load) => {
  const outcome = (output: string) => numbers(output, /(\d+) failed, (\d+) errored, (\d+) timeout/)

  it('5,000 requests over 10 connections: no error', () =>
    on({ keepAlive: { timeout: 4_000 } }, async (host, url) => {
      const output = await run(h2load, ['--h1', '-n5000', '-c10', `${url}/`])
      deepEqual(outcome(output), [0, 0, 0], output)
      equal(host.connections.stats().connections.opened, 10)
    }))

  it('uploads of 1 MB that are refused early: every one sees the 413', () =>
    on(kept, async (_host, url) => {
      const output = await run(h2load, ['--h1', '-n10', '-c10', '-d', upload, `${url}/refuse`])
      deepEqual(numbers(output, /(\d+) 4xx/), [10], output)
    }))
})

import { deepEqual, ok } from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { Host, type Route } from '../support/host.js'
import { within } from '../support/wait.js'
import { describeWith, find } from './client.js'

/** One transfer as curl itself reports it. */
interface Transfer {
  body: string
  status: number
  /** New connections that it took. */
  connects: number
  /** 0: no error. 7: nobody listens. */
  exit: number
}

const FORMAT = '\\t%{http_code}\\t%{num_connects}\\t%{exitcode}\\n'

async function curl(program: string, args: string[], input?: Buffer): Promise<Transfer[]> {
  const child = spawn(program, ['-q', '-sk', '--http1.1', '-w', FORMAT, ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdin.on('error', () => {}) // it stops reading what it no longer wants to send
  child.stdin.end(input)
  const exit = once(child, 'exit')
  const late = setTimeout(() => child.kill('SIGKILL'), 20_000)
  const [output] = await within(Promise.all([text(child.stdout), exit]), () => 'curl to end', 25_000)
  clearTimeout(late)
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [body = '', ...numbers] = line.split('\t')
      const [status = -1, connects = -1, code = -1] = numbers.map(Number)
      return { body, status, connects, exit: code }
    })
}

const UPLOAD = Buffer.alloc(8_000_000)
/** `--rate 950/h`: the second transfer starts 3.79 s after the first one did. */
const NEAR_THE_END_OF_4_S = '950/h'

describeWith(find('curl'), 'curl', 'no curl on this machine', (program) => {
  describe.each(['http', 'https'] as const)('%s', (scheme) => {
    const on = async (
      routes: Record<string, Route>,
      run: (host: Host, url: (path: string) => string) => Promise<void>,
    ): Promise<void> => {
      const host = await Host.start(scheme, 'halfclose', { options: { keepAlive: { timeout: 4_000 } }, routes })
      try {
        await run(host, (path) => `${scheme}://127.0.0.1:${host.port}${path}`)
      } finally {
        await host.dispose()
      }
    }

    test.concurrent.each<[string, string[]]>([
      ['with Expect: 100-continue', ['--data-binary', '@-', '-H', 'Expect: 100-continue']],
      ['without Expect', ['--data-binary', '@-', '-H', 'Expect:']],
      ['chunked, as it comes', ['-X', 'POST', '-T', '-', '-H', 'Expect:']],
    ])('an upload of 8 MB that is refused early, %s: sees the 413', (_, args) =>
      on(
        {
          '/refuse': (_req, res) => void res.writeHead(413).end('too much'),
          '/refuse-and-close': (_req, res) => void res.writeHead(413, { Connection: 'close' }).end('too much'),
        },
        async (_host, url) => {
          for (const path of ['/refuse', '/refuse-and-close', '/refuse', '/refuse-and-close']) {
            deepEqual(await curl(program, [...args, url(path)], UPLOAD), [
              { body: 'too much', status: 413, connects: 1, exit: 0 },
            ])
          }
        },
      ),
    )

    test.concurrent('idle nearly as long as was promised: the connection is used again', () =>
      on({}, async (_host, url) => {
        const transfers = await curl(program, ['--rate', NEAR_THE_END_OF_4_S, url('/a'), url('/b')])
        deepEqual(transfers, [
          { body: '/a', status: 200, connects: 1, exit: 0 },
          { body: '/b', status: 200, connects: 0, exit: 0 },
        ])
      }))

    test.concurrent('a drain that begins amid its requests: all are answered over the one connection, then nobody listens', () =>
      on(
        {
          '/5': (_req, res, host) => {
            void host.stop()
            res.end('/5')
          },
        },
        async (host, url) => {
          const transfers = await curl(
            program,
            Array.from({ length: 10 }, (_, n) => url(`/${n}`)),
          )
          const answered = transfers.filter(({ exit }) => exit === 0)
          ok(answered.length >= 6, `${answered.length} answered`)
          deepEqual(
            transfers.map(({ exit }) => exit),
            transfers.map((_, n) => (n < answered.length ? 0 : 7)),
          )
          // Told close before the listener was closed, curl has come back once.
          ok(host.connections.stats().connections.opened <= 2)
          const { clean, promisesBroken } = await host.report()
          deepEqual({ clean, promisesBroken }, { clean: true, promisesBroken: {} })
        },
      ))

    test.concurrent('an idle connection used again after the drain began: answered, then nobody listens', () =>
      on(
        {
          '/first': (_req, res, host) => {
            res.on('finish', () => void host.stop())
            res.end('/first')
          },
        },
        async (host, url) => {
          const transfers = await curl(program, ['--rate', '1/s', url('/first'), url('/late'), url('/nobody')])
          deepEqual(transfers, [
            { body: '/first', status: 200, connects: 1, exit: 0 },
            { body: '/late', status: 200, connects: 0, exit: 0 },
            { body: '', status: 0, connects: 0, exit: 7 },
          ])
          const { clean, promisesBroken, requests } = await host.report()
          deepEqual({ clean, promisesBroken, rescued: requests.rescued }, { clean: true, promisesBroken: {}, rescued: 1 })
        },
      ))
  })
})

import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Host, type Route } from '../support/host.js'
import { Arrivals, within } from '../support/wait.js'
import { describeWith, find } from './client.js'

/** A cold browser on a busy machine. */
const PATIENCE = 40_000
const PROMISE = 4_000

/** Where the page says what it saw: a server of its own, since the other one is being stopped. */
class Control {
  readonly reports = new Arrivals<unknown>()
  readonly #server: Server = createServer(async (req, res) => {
    this.reports.push(JSON.parse(await text(req)))
    res.writeHead(204, { 'Access-Control-Allow-Origin': '*' }).end()
  })

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }
}

const page = (control: string, script: string): string => `<!doctype html><link rel="icon" href="data:,"><script>
const report = (what) => fetch(${JSON.stringify(control)}, { method: 'POST', body: JSON.stringify(what), mode: 'no-cors' })
const get = async (path) => (await fetch(path, { cache: 'no-store' })).text()
;(async () => { ${script} })().catch((error) => report({ failed: String(error) }))
</script>`

interface Browser {
  process: ChildProcess
  /** Rejects: it was not asked to. */
  ended: Promise<never>
}

function start(program: string, profile: string, url: string): Browser {
  const quiet = [
    '--disable-gpu',
    '--disable-dev-shm-usage',
    '--disable-background-networking',
    '--no-first-run',
    '--disable-extensions',
  ]
  const args = ['--headless', '--no-sandbox', ...quiet, `--user-data-dir=${profile}`, url]
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const said = text(child.stderr)
  const ended = once(child, 'exit').then(async ([code]): Promise<never> => {
    throw new Error(`Chromium exited with ${code}: ${(await said).slice(-2_000)}`)
  })
  ended.catch(() => {})
  return { process: child, ended }
}

/** Ours alone, with its children: it leads a process group of its own. */
async function stop({ process: browser }: Browser): Promise<void> {
  if (browser.pid === undefined || browser.exitCode !== null || browser.signalCode !== null) return
  const exit = once(browser, 'exit')
  process.kill(-browser.pid, 'SIGKILL')
  await exit
}

/** Opens a page with this script, and returns what it reports. */
async function browse(
  program: string,
  script: string,
  routes: Record<string, Route>,
  run: (host: Host, reported: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const control = new Control()
  const address = await control.listen()
  const html: Route = (_req, res) => void res.setHeader('Content-Type', 'text/html').end(page(address, script))
  const options = { keepAlive: { timeout: PROMISE }, drain: { silent: 1_000 } }
  const host = await Host.start('http', 'halfclose', { options, routes: { '/page': html, ...routes } })
  const profile = mkdtempSync(join(tmpdir(), 'halfclose-chromium-'))
  const browser = start(program, profile, `http://127.0.0.1:${host.port}/page`)
  try {
    await run(
      host,
      within(
        Promise.race([control.reports.at(0), browser.ended]),
        () => `a report from the page; the server saw ${host.paths.join(' ')}`,
        PATIENCE,
      ),
    )
  } finally {
    await stop(browser)
    await host.dispose()
    control.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function drained(host: Host): Promise<void> {
  const { clean, promisesBroken } = await host.report()
  deepEqual({ clean, promisesBroken }, { clean: true, promisesBroken: {} })
}

const chromium = find('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')

describeWith(chromium, 'headless Chromium', 'no chromium on this machine', (program) => {
  it(
    'uploads of 8 MB that are refused early: sees the 413',
    () =>
      browse(
        program,
        `const seen = []
        for (const path of ['/refuse', '/refuse-and-close', '/refuse', '/refuse-and-close']) {
          const answer = await fetch(path, { method: 'POST', body: new Uint8Array(8e6) })
          seen.push(answer.status + ' ' + await answer.text())
        }
        report(seen)`,
        {
          '/refuse': (_req, res) => void res.writeHead(413).end('too much'),
          '/refuse-and-close': (_req, res) => void res.writeHead(413, { Connection: 'close' }).end('too much'),
        },
        async (_host, reported) => deepEqual(await reported, Array(4).fill('413 too much')),
      ),
    PATIENCE + 20_000,
  )

  it(
    'idle around the 4 s that were promised: no error',
    () =>
      browse(
        program,
        `const seen = []
        for (const ms of [500, 3500, 3900, 4200]) {
          await get('/before/' + ms)
          await new Promise((resolve) => setTimeout(resolve, ms))
          seen.push(await get('/after/' + ms))
        }
        report(seen)`,
        {},
        async (_host, reported) => deepEqual(await reported, ['/after/500', '/after/3500', '/after/3900', '/after/4200']),
      ),
    PATIENCE + 20_000,
  )

  it(
    'a drain amid its requests: all are answered until it was told close, then nobody listens',
    () =>
      browse(
        program,
        `let count = 0
        try { for (; count < 500; count++) if (await get('/' + count) !== '/' + count) return report({ wrong: count }) } catch {}
        report({ count })`,
        {
          '/10': (_req, res, host) => {
            void host.stop()
            res.end('/10')
          },
        },
        async (host, reported) => {
          const { count } = Object(await reported)
          const numbered = host.paths.filter((path) => path !== '/page')
          equal(count, numbered.length, `the page saw ${count} answers to ${numbered.length} requests`)
          ok(count > 10 && count < 500)
          await drained(host)
        },
      ),
    PATIENCE + 20_000,
  )

  it(
    'a reload after the drain began: the page comes over an idle connection',
    () =>
      browse(
        program,
        `if (performance.getEntriesByType('navigation')[0].type === 'reload') return report('reloaded')
        await get('/stop')
        location.reload()`,
        {
          '/stop': (_req, res, host) => {
            res.on('finish', () => void host.stop())
            res.end('stopping')
          },
        },
        async (host, reported) => {
          equal(await reported, 'reloaded')
          await drained(host)
        },
      ),
    PATIENCE + 20_000,
  )
})

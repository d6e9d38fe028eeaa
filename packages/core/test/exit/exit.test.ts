import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Client } from '../../../../test/support/client.js'
import { pass, until } from '../../../../test/support/wait.js'
import { where } from '../../../../test/support/where.js'
import { APP, alive, finish, type Setup, Supervised } from './supervised.js'

// What starts and stops a service, for real or played. The children use what was built: `npm run build` first.
const hosts = ['fastify', 'express'] as const

let child: Supervised
const folders: string[] = []

const run = (started: Supervised): Supervised => {
  child = started
  return child
}

function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'halfclose-exit-'))
  folders.push(made)
  return made
}

afterEach(() => {
  child.dispose()
  for (const made of folders.splice(0)) rmSync(made, { recursive: true, force: true })
})

/** The second one has come, or will not any more: the kernel may have made one of two that were sent at the same time. */
async function forwarded(signal: NodeJS.Signals): Promise<void> {
  await Promise.race([child.line(new RegExp(`got ${signal}`), 1), pass(200)])
}

/** The other half of a request whose first half was there before the signal is received, answered, and ends the process cleanly. */
async function answersAndEnds(client: Client): Promise<void> {
  await finish(client)
  expect(await client.next()).toMatchObject({ status: 200, text: '10 bytes', closes: true })
  expect(await client.closed()).toBe('fin')
  expect(await child.exited()).toEqual({ code: 0, signal: null })
  expect(child.count('closed')).toBe(1)
  expect(child.lines.join('\n')).not.toContain('ended by')
}

describe.each(hosts)('%s under npm start, which forwards what its child got itself', (host) => {
  // `exec`: no shell in between, as where /bin/sh is bash. The shell of Debian would stay, and swallow what npm forwards.
  const project = (): string => {
    const cwd = folder()
    const scripts = { start: `exec "${process.execPath}" "${APP}"` }
    writeFileSync(path.join(cwd, 'package.json'), JSON.stringify({ name: 'service', private: true, scripts }))
    return cwd
  }
  const quiet = { npm_config_update_notifier: 'false', npm_config_loglevel: 'error' }

  const terminal = where(spawnSync('script', ['--version']).status === 0, 'there is no script(1) to make a terminal')
  terminal.test(`one Ctrl-C at a terminal is one${terminal.note}`, async () => {
    run(
      Supervised.run({ host }, 'script', ['-qefc', 'exec npm start', '/dev/null'], {
        cwd: project(),
        env: { ...quiet, SHELL: '/bin/sh' },
      }),
    )
    const client = await child.uploading()
    child.process.stdin!.write('\x03')
    await child.line(/^state draining/)
    await forwarded('SIGINT')
    await answersAndEnds(client)
  })

  it('one SIGTERM of systemd, to every process of the service, is one', async () => {
    run(Supervised.run({ host }, 'npm', ['start'], { cwd: project(), env: quiet }))
    const client = await child.uploading()
    child.killGroup('SIGTERM')
    await child.line(/^state draining/)
    await forwarded('SIGTERM')
    await answersAndEnds(client)
  })
})

describe.each(hosts)('%s under PM2', (host) => {
  const KILL_TIMEOUT = 1_600

  /** Waits for `ready`, then stops it as PM2 does. Resolves with how to call off the kill. */
  const pm2 = async (setup: Setup, how: 'SIGINT' | 'shutdown'): Promise<{ client: Client; stop(): NodeJS.Timeout }> => {
    run(Supervised.fork({ ...setup, ready: true }))
    const ready = new Promise((resolve) => child.process.once('message', resolve))
    const client = await child.uploading()
    expect(await ready).toBe('ready')
    return {
      client,
      stop() {
        if (how === 'shutdown') child.process.send('shutdown')
        else child.process.kill('SIGINT')
        return setTimeout(() => child.process.kill('SIGKILL'), KILL_TIMEOUT)
      },
    }
  }

  it.each(['SIGINT', 'shutdown'] as const)('on %s answers what is in flight, long before the kill', async (how) => {
    const { client, stop } = await pm2({ host, options: { drain: { deadline: 1_200 } } }, how)
    const kill = stop()
    await child.line(/^state draining/)
    await answersAndEnds(client)
    clearTimeout(kill)
  })

  it('with a deadline that fits cuts and reports what does not end, before the kill', async () => {
    const { client, stop } = await pm2({ host, options: { drain: { deadline: 1_000 } } }, 'shutdown')
    const kill = stop()
    expect(await child.exited()).toEqual({ code: 1, signal: null })
    clearTimeout(kill)
    expect(await client.closed()).toBeDefined()
    expect(child.lines.join('\n')).toMatch(/halfclose: .*\(shutdown\).* 1 cut/)
    expect(child.count('closed')).toBe(1)
  })

  it('with a deadline that does not fit is killed, and nobody says what it cut', async () => {
    const { stop } = await pm2({ host }, 'shutdown')
    const kill = stop()
    expect(await child.exited()).toEqual({ code: null, signal: 'SIGKILL' })
    clearTimeout(kill)
    expect(child.count('closed')).toBe(0)
    expect(child.lines.join('\n')).not.toMatch(/ cut|ended by/)
  })
})

describe.each(hosts)('%s under node --watch', (host) => {
  const watched = async (options?: Setup['options']): Promise<string> => {
    const entry = path.join(folder(), 'entry.mjs')
    writeFileSync(entry, `import ${JSON.stringify(pathToFileURL(APP).href)}\n`)
    const port = await freePort()
    run(Supervised.run({ host, port, ...(options && { options }) }, process.execPath, ['--watch', entry]))
    return entry
  }

  it('is restarted fast by a change, on the same port, and leaves nothing behind', async () => {
    // Nothing is chosen: it is fast because of --watch. Otherwise the promise would hold it for six seconds, the upload for twenty.
    const entry = await watched({ keepAlive: { timeout: 5_000 }, drain: undefined })
    const before = await child.listening()
    await child.line(/drains fast, in 2000 ms at most, because this is node --watch/)
    const [idle, stuck] = [await child.client(), await child.uploading()]
    expect(await idle.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toMatchObject({ status: 200, closes: false })
    writeFileSync(entry, `${readFileSync(entry, 'utf8')}\n`)
    const after = await child.listening(1)
    expect(after.port).toBe(before.port)
    expect(after.pid).not.toBe(before.pid)
    expect(alive(before.pid)).toBe(false)
    expect(await idle.closed()).toBe('fin')
    expect(await stuck.closed()).toBeDefined()
    const client = await child.client(1)
    expect(await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toMatchObject({ status: 200 })
    child.killGroup('SIGTERM')
    await child.exited()
    await until('the application has ended', () => !alive(after.pid))
  })

  it('one Ctrl-C, which the watcher forwards, is one', async () => {
    await watched()
    const { pid } = await child.listening()
    const client = await child.uploading()
    child.killGroup('SIGINT')
    await child.line(/^state draining/)
    await forwarded('SIGINT')
    await finish(client)
    expect(await client.next()).toMatchObject({ status: 200, text: '10 bytes', closes: true })
    await child.exited()
    expect(child.count('closed')).toBe(1)
    expect(child.lines.join('\n')).not.toContain('ended by')
    await until('the application has ended', () => !alive(pid))
  })
})

describe.each(hosts)('%s as PID 1 of a container', (host) => {
  const { status } = spawnSync('unshare', ['--pid', '--fork', 'true'])
  const namespace = where(status === 0, 'unshare --pid is not to be had, or not permitted, here')

  // For PID 1 the kernel ignores whatever the process does not listen to.
  namespace.test.each(['SIGTERM', 'SIGINT'] as const)(
    `answers what is in flight on %s, and ends${namespace.note}`,
    async (signal) => {
      run(Supervised.run({ host }, 'unshare', ['--pid', '--fork', '--kill-child', process.execPath, APP]))
      const client = await child.uploading()
      expect((await child.listening()).pid).toBe(1)
      const outside = Number(readFileSync(`/proc/${child.process.pid}/task/${child.process.pid}/children`, 'utf8'))
      process.kill(outside, signal)
      await child.line(/^state draining/)
      await answersAndEnds(client)
    },
  )
})

describe.each(hosts)('%s, ended by somebody while it drains', (host) => {
  it.each([
    [500, /fastify-cli/],
    [1_600, /PM2/],
  ])('says after %d ms what was open, how much time it had, and whose timer that probably was', async (exitAfter, whose) => {
    run(Supervised.run({ host, exitAfter }, process.execPath, [APP]))
    const client = await child.uploading()
    child.process.kill('SIGTERM')
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(await client.closed()).toBeDefined()
    const said = child.lines.filter((line) => line.includes('ended by'))
    expect(said).toEqual([
      expect.stringMatching(
        /ended by other code \(.*\) while it drained, \d+ ms after SIGTERM\. \w+: 1 busy open, \d+ ms before its deadline/,
      ),
    ])
    expect(said[0]).toMatch(whose)
    const [, after, left] = /(\d+) ms after SIGTERM.* (\d+) ms before/.exec(said[0]!)!
    expect(Number(after)).toBeGreaterThanOrEqual(exitAfter - 20)
    // Its deadline counts from the drain, which begins after the signal.
    expect(Number(after) + Number(left)).toBeGreaterThanOrEqual(10_000 - 20)
    expect(Number(left)).toBeLessThanOrEqual(10_000)
  })

  it('blames no timer where nothing was open', async () => {
    run(Supervised.run({ host, exitAfter: 500, options: { drain: { delay: 9_000, deadline: 10_000 } } }, process.execPath, [APP]))
    await child.line(/^listening/)
    child.process.kill('SIGTERM')
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines.filter((line) => line.includes('ended by'))).toEqual([
      expect.stringMatching(
        /ended by other code \(process\.exit\(\) at [^;]*app\.mjs:\d+:\d+\) while it drained, .*: nothing open/,
      ),
    ])
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

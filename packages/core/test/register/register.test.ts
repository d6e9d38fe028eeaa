import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from '../../../../test/support/client.js'
import { Arrivals, within } from '../../../../test/support/wait.js'

// Servers that frameworks make themselves, in processes that say nothing of halfclose. The children use what was built: `npm run build` first.
const root = path.join(__dirname, '../../../..')
const REGISTER = '@halfclose/core/register'

class Process {
  readonly lines: string[] = []
  readonly #said = new Arrivals<string>()
  readonly #child: ChildProcess
  readonly exited: Promise<number | null>

  constructor(args: string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_ENV: 'production', ...env },
    })
    this.#child = child
    const read = [child.stdout, child.stderr].map(async (stream) => {
      for await (const line of createInterface(stream)) {
        this.lines.push(line)
        this.#said.push(line)
      }
    })
    this.exited = once(child, 'exit').then(async ([code]) => {
      await Promise.all(read)
      return code
    })
  }

  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (let index = 0; ; index++) {
      const line = await within(this.#said.at(index), () => `${pattern} in\n${this.lines.join('\n')}`, 15_000)
      const match = pattern.exec(line)
      if (match) return match
    }
  }

  async connect(): Promise<Client> {
    const client = await Client.open({ port: Number((await this.line(/^listening (\d+)/))[1]) })
    clients.push(client)
    return client
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}

const clients: Client[] = []
const processes: Process[] = []

function start(...given: ConstructorParameters<typeof Process>): Process {
  const started = new Process(...given)
  processes.push(started)
  return started
}

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
  for (const one of processes.splice(0)) one.kill('SIGKILL')
})

const app = (name: string): string => path.join(__dirname, name)
const HALF = 'POST /upload HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\n01234'

/** A client that was answered before has a promise, and a half received request is answered with close; nothing is lost, and the exit code is 0. */
async function losesNothing(served: Process): Promise<void> {
  const idle = await served.connect()
  const client = await served.connect()
  const first = await idle.ask(`${HALF}56789`)
  expect(first.header('keep-alive')).toBe('timeout=5')
  await client.send(HALF)
  await served.line(/^arrived/)
  served.kill('SIGTERM')
  await within(refused(served), () => `it stops listening; it said\n${served.lines.join('\n')}`, 15_000)
  await client.send('56789')
  expect(await client.next()).toMatchObject({ status: 200, text: '10 bytes', closes: true })
  expect(await client.closed()).toBe('fin')
  expect(await idle.ask(`${HALF}56789`)).toMatchObject({ status: 200, text: '10 bytes', closes: true })
  expect(await within(served.exited, () => `it ends; it said\n${served.lines.join('\n')}`, 15_000)).toBe(0)
}

async function refused(served: Process): Promise<void> {
  const [, port] = await served.line(/^listening (\d+)/)
  for (;;) {
    const client = await Client.open({ port: Number(port) }).catch(() => undefined)
    if (client === undefined) return
    client.destroy()
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test.each(['hono.mjs', 'srvx.mjs', 'h3.mjs', 'express.cjs'])(
  '--import: %s, stopped amid a request, loses nothing',
  async (name) => {
    await losesNothing(start(['--import', REGISTER, app(name)]))
  },
)

test('--import: an application whose adapter has no `signals` loses nothing', async () => {
  await losesNothing(start(['--import', REGISTER, app('express-adapter.cjs')]))
})

test('NODE_OPTIONS does as well', async () => {
  await losesNothing(start([app('hono.mjs')], { NODE_OPTIONS: `--import ${REGISTER}` }))
})

test('so does --require, and both together', async () => {
  await losesNothing(start(['--require', REGISTER, '--import', REGISTER, app('express.cjs')]))
})

test('the application gets its handle, with the options of HALFCLOSE; a server that it attaches by hand is its own', async () => {
  const served = start(['--import', REGISTER, app('handle.mjs')], { HALFCLOSE: '{"drain":{"deadline":7000}}' })
  expect((await served.line(/^own/)).input).toBe('own true 1000')
  const client = await served.connect()
  expect((await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')).text).toBe('serving 7000')
})

test.each([
  [
    '{"drain":{"dedline":5000}}',
    /HALFCLOSE_OPTION_UNKNOWN/,
    /unknown option `drain\.dedline`; did you mean `drain\.deadline`\? \(in the environment variable HALFCLOSE\)/,
  ],
  [
    '{"drain":{"deadline":-1}}',
    /HALFCLOSE_OPTION_RANGE/,
    /`drain\.deadline` must be .* \(in the environment variable HALFCLOSE\)/,
  ],
  [
    'drain=fast',
    /HALFCLOSE_OPTION_TYPE/,
    /must be JSON such as .*, got "drain=fast" \(string\) \(in the environment variable HALFCLOSE\)/,
  ],
  ['[]', /HALFCLOSE_OPTION_TYPE/, /must be an object, got an array \(in the environment variable HALFCLOSE\)/],
])('HALFCLOSE=%s: the process does not start, and the error names the variable', async (json, code, message) => {
  const failed = start(['--import', REGISTER, app('express.cjs')], { HALFCLOSE: json })
  expect(await within(failed.exited, () => 'it ends', 15_000)).toBe(1)
  expect(failed.lines.join('\n')).toMatch(code)
  expect(failed.lines.join('\n')).toMatch(message)
})

test.each(['--import', '--require'])(
  '%s: what is printed of a wrong option is its message and the calls, not the code of the bundle',
  async (how) => {
    const failed = start([how, REGISTER, app('express.cjs')], { HALFCLOSE: '{"drain":{"deadline":"20"}}' })
    expect(await within(failed.exited, () => 'it ends', 15_000)).toBe(1)
    expect(failed.lines.join('\n')).toContain('`drain.deadline` must be a number')
    expect(Math.max(...failed.lines.map((line) => line.length))).toBeLessThan(300)
  },
)

test('the error of a wrong option names the line of the application that gave it', async () => {
  const failed = start([app('wrong-option.mjs')], {})
  expect(await within(failed.exited, () => 'it ends', 15_000)).toBe(1)
  expect(failed.lines.join('\n')).toMatch(/`drain\.deadline` must be a number[\s\S]*at file:.*wrong-option\.mjs:5:1\n/)
})

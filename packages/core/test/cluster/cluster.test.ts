import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { join } from 'node:path'
import { Client } from '../../../../test/support/client.js'
import { get as request } from '../../../../test/support/requests.js'
import { Arrivals, until, within } from '../../../../test/support/wait.js'

interface Restart {
  pid: number
  code: number | null
  signal: string | null
  clean: boolean
}

/** What the primary says. */
interface Messages {
  port: number
  restarts: Restart[]
  error: { code: string; message: string }
  look: { forked: number; leaving: number[]; pids: number[] }
  blocking: true
}

// The children import what was built.
let primary: ChildProcess
let port = 0
let said: { [K in keyof Messages]: Arrivals<Messages[K]> }
let clients: Client[]

beforeEach(async () => {
  said = { port: new Arrivals(), restarts: new Arrivals(), error: new Arrivals(), look: new Arrivals(), blocking: new Arrivals() }
  clients = []
  primary = fork(join(__dirname, 'primary.mjs'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  primary.on('message', (message: Partial<Messages>) => {
    if (message.port !== undefined) said.port.push(message.port)
    if (message.restarts !== undefined) said.restarts.push(message.restarts)
    if (message.error !== undefined) said.error.push(message.error)
    if (message.look !== undefined) said.look.push(message.look)
    if (message.blocking !== undefined) said.blocking.push(message.blocking)
  })
  port = await message('port')
})

afterEach(async () => {
  for (const client of clients) client.destroy()
  primary.disconnect()
  await once(primary, 'exit')
})

function message<K extends keyof Messages>(kind: K, nth = 0): Promise<Messages[K]> {
  return within(said[kind].at(nth), () => `${kind} ${nth + 1} of the primary`, 20_000)
}

function command(name: 'restart' | 'abort' | 'look' | 'block', options: object = {}): void {
  primary.send({ command: name, options })
}

function look(): Promise<Messages['look']> {
  const nth = said.look.list.length
  command('look')
  return message('look', nth)
}

/** In each of the two workers a connection that was promised to be kept: its drain takes two seconds. Resolves with the workers, the oldest first. */
async function promised(): Promise<number[]> {
  const pids = new Set<number>()
  while (pids.size < 2) {
    const client = await Client.open({ port })
    clients.push(client)
    pids.add(Number((await client.ask(request('/'))).text))
  }
  return (await look()).pids
}

/** The pid of whoever answers, on a connection of its own. */
function ask(): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ port, agent: false }, (res) => {
      let body = ''
      res.on('data', (chunk) => {
        body += chunk
      })
      res.on('end', () => resolve(Number(body)))
    }).on('error', reject)
  })
}

const ended = { code: 0, signal: null, clean: true }

test('every worker is replaced, and no new connection is refused or lost meanwhile', async () => {
  const before = new Set((await look()).pids)
  const restarted = message('restarts')
  command('restart')
  let over = false
  void restarted.then(() => {
    over = true
  })
  let asked = 0
  while (!over) {
    await Promise.all([ask(), ask(), ask(), ask()])
    asked += 4
  }
  expect(await restarted).toEqual([...before].map((pid) => ({ pid, ...ended })))
  expect(asked).toBeGreaterThan(4)
  expect([before.has(await ask()), before.has(await ask())]).toEqual([false, false])
})

test('`port`: a new worker that first listens on another port has not come up yet', async () => {
  const restarted = message('restarts')
  command('restart', { port, env: { METRICS: 'first', START: '1500' } })
  let over = false
  void restarted.then(() => {
    over = true
  })
  while (!over) await Promise.all([ask(), ask()])
  expect(await restarted).toMatchObject([ended, ended])
})

test('a connection that the primary hands over to a worker which has just closed its listener is answered by another one', async () => {
  const [going] = (await look()).pids
  command('block', { ms: 1_200 })
  await message('blocking')
  const answered = await within(Promise.all(Array.from({ length: 12 }, ask)), () => 'every answer', 10_000)
  await until('it has gone', async () => !(await look()).pids.includes(Number(going)))
  expect(answered).toHaveLength(12)
})

test.each([
  ['exit', 20_000, /ended \(exit code 3\) before it listened/],
  ['deaf', 800, /did not listen on port \d+ within 800 ms/],
])('a new worker that does not come up (%s) is an error, and the old ones go on serving', async (how, startWithin, why) => {
  const before = new Set([await ask(), await ask()])
  command('restart', { startWithin, port, env: { BROKEN: how } })
  const error = await message('error')
  expect(error.code).toBe('HALFCLOSE_WORKER_NOT_LISTENING')
  expect(error.message).toMatch(why)
  expect([before.has(await ask()), before.has(await ask())]).toEqual([true, true])
})

test.each([
  [{ killAfter: '3000' }, 'HALFCLOSE_OPTION_TYPE', 'option `killAfter` must be a number of milliseconds'],
  [{ killAfter: null }, 'HALFCLOSE_OPTION_TYPE', 'option `killAfter` must be a number of milliseconds'],
  [{ port: 0 }, 'HALFCLOSE_OPTION_RANGE', 'option `port` must be an integer of at least 1'],
  [{ startWithin: -1 }, 'HALFCLOSE_OPTION_RANGE', 'option `startWithin` must be a number of milliseconds'],
  [{ killafter: 60_000 }, 'HALFCLOSE_OPTION_UNKNOWN', 'unknown option `killafter`'],
])('a wrong option (%j) is an error before a worker is forked or told to go', async (options, code, why) => {
  const before = await look()
  command('restart', options)
  expect(await message('error')).toMatchObject({ code, message: expect.stringContaining(why) })
  expect(await look()).toEqual(before)
})

test('a second restart waits for the first, so that no worker is told to go twice', async () => {
  const before = await promised()
  command('restart')
  command('restart')
  const first = await message('restarts')
  const second = await message('restarts', 1)
  expect(first).toEqual(before.map((pid) => ({ pid, ...ended })))
  expect(second).toEqual(second.map(({ pid }) => ({ pid, ...ended })))
  expect(second).toHaveLength(2)
  expect((await look()).forked).toBe(6)
})

describe('aborted by its signal', () => {
  test('while a worker drains, it lets that one end, replaces no other, and says how far it got', async () => {
    const before = await promised()
    command('restart')
    await until('one leaves', async () => (await look()).leaving.length === 1)
    command('abort')
    const restarts = await message('restarts')
    expect(restarts).toEqual([{ pid: before[0], ...ended }])
    const { forked, leaving, pids } = await look()
    expect({ forked, leaving }).toEqual({ forked: 3, leaving: [] })
    expect(pids).toHaveLength(2)
    expect(pids).toContain(before[1])
  })

  test('while a new worker starts, it tells that one to go, and the old ones go on serving', async () => {
    const before = [await ask(), await ask()].sort()
    command('restart', { env: { START: '300' } })
    await until('one is forked', async () => (await look()).forked === 3)
    command('abort')
    expect(await message('restarts')).toEqual([])
    expect((await look()).pids.sort()).toEqual(before)
    expect([await ask(), await ask()].sort()).toEqual(before)
  })

  test('while a new worker starts that never listens, it ends that one all the same', async () => {
    const before = [await ask(), await ask()].sort()
    command('restart', { startWithin: 800, env: { BROKEN: 'deaf' } })
    await until('one is forked', async () => (await look()).forked === 3)
    command('abort')
    expect(await message('restarts')).toEqual([])
    await until('it has gone', async () => (await look()).pids.length === 2)
    expect((await look()).pids.sort()).toEqual(before)
  })

  test('before it began, it does nothing', async () => {
    command('abort')
    command('restart')
    expect(await message('restarts')).toEqual([])
    expect((await look()).forked).toBe(2)
  })
})

test('it is an error anywhere but in a primary', async () => {
  // What a cluster's primary tells its workers by.
  const worker = fork(join(__dirname, 'not-primary.mjs'), { env: { ...process.env, NODE_UNIQUE_ID: '7' } })
  const [code] = await once(worker, 'message', { signal: AbortSignal.timeout(20_000) })
  expect(code).toBe('HALFCLOSE_NOT_PRIMARY')
  worker.kill('SIGKILL')
})

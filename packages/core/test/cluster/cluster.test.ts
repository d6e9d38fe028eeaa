import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { get } from 'node:http'
import { join } from 'node:path'

// The children import what was built.
let primary: ChildProcess
let port = 0

beforeEach(async () => {
  primary = fork(join(__dirname, 'primary.mjs'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  ;({ port } = await message())
})

afterEach(async () => {
  primary.disconnect()
  await once(primary, 'exit')
})

async function message(): Promise<{ port: number; restarts: object[]; error: { code: string; message: string } }> {
  const [sent] = await once(primary, 'message', { signal: AbortSignal.timeout(20_000) })
  return sent
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

test('every worker is replaced, and no new connection is refused or lost meanwhile', async () => {
  const before = new Set([await ask(), await ask()])
  const restarted = message()
  primary.send({})
  let over = false
  void restarted.then(() => {
    over = true
  })
  let asked = 0
  while (!over) {
    await Promise.all([ask(), ask(), ask(), ask()])
    asked += 4
  }
  const ended = { code: 0, signal: null, clean: true }
  expect((await restarted).restarts).toEqual([ended, ended])
  expect(asked).toBeGreaterThan(4)
  expect([before.has(await ask()), before.has(await ask())]).toEqual([false, false])
})

test.each([
  ['exit', /ended \(exit code 3\) before it listened/],
  ['deaf', /did not listen within 800 ms/],
])('a new worker that does not come up (%s) is an error, and the old ones go on serving', async (how, why) => {
  const before = new Set([await ask(), await ask()])
  const failed = message()
  primary.send({ startWithin: 800, env: { BROKEN: how } })
  const { error } = await failed
  expect(error.code).toBe('HALFCLOSE_WORKER_NOT_LISTENING')
  expect(error.message).toMatch(why)
  expect([before.has(await ask()), before.has(await ask())]).toEqual([true, true])
})

test('it is an error anywhere but in a primary', async () => {
  // What a cluster's primary tells its workers by.
  const worker = fork(join(__dirname, 'not-primary.mjs'), { env: { ...process.env, NODE_UNIQUE_ID: '7' } })
  const [code] = await once(worker, 'message', { signal: AbortSignal.timeout(20_000) })
  expect(code).toBe('HALFCLOSE_NOT_PRIMARY')
  worker.kill('SIGKILL')
})

import { Example } from '../testing/child.js'
import { Traffic } from '../testing/traffic.js'
import { Underway } from '../testing/underway.js'

// Several processes start in a test, one after another, each in its own time.
jest.setTimeout(60_000)

const WORKERS = 2

let primary: Example
let port: number
let clients: { destroy(): void }[]

beforeEach(async () => {
  // Promises that outlast the start of several workers, on a busy machine, too.
  primary = new Example(__dirname, { WORKERS: String(WORKERS), KEEP_ALIVE: '15000' }, 'primary.mjs')
  clients = []
  port = Number((await primary.line(/listening .*?(\d+)$/))[1])
})

afterEach(async () => {
  for (const client of clients) client.destroy()
  // Its workers end with it.
  primary.kill()
  await primary.exit
})

async function underway(): Promise<Underway[]> {
  const begun = await Underway.inEach(port, WORKERS)
  clients.push(...begun)
  return begun
}

async function finish(exchange: Underway): Promise<void> {
  await exchange.told()
  await exchange.finish()
}

it('SIGHUP replaces every worker under load: nothing is lost; what is half sent is answered, promises are kept', async () => {
  const old = await underway()
  const traffic = (['new', 'new', 'new', 'kept', 'kept', 'kept'] as const).map((connections) => new Traffic(port, connections))
  clients.push(...traffic)

  primary.signal('SIGHUP')
  await Promise.all(old.map(finish))
  for (const { pid } of old) await primary.line(new RegExp(`worker ${pid} replaced, \\d+ ms, nothing cut`))
  await Promise.all(traffic.map((client) => client.more(5)))

  expect(traffic.flatMap(({ lost }) => lost)).toEqual([])
  const pids = old.map(({ pid }) => pid)
  for (const { pid } of await underway()) expect(pids).not.toContain(pid)
})

it('SIGTERM stops them: what is half sent is answered, promises are kept, and the primary exits with 0 after the last of them', async () => {
  const exchanges = await underway()
  primary.signal('SIGTERM')
  await Promise.all(exchanges.map(finish))
  expect(await primary.exit).toEqual({ code: 0, signal: null })
})

it('SIGTERM in the middle of a rolling restart is no second signal for the worker that leaves already', async () => {
  const exchanges = await underway()
  primary.signal('SIGHUP')
  await Promise.race(exchanges.map((exchange) => exchange.told()))
  primary.signal('SIGTERM')
  await Promise.all(exchanges.map(finish))
  expect(await primary.exit).toEqual({ code: 0, signal: null })
})

it('a worker that dies is replaced', async () => {
  const [first, second] = await underway()
  process.kill(first?.pid ?? 0, 'SIGKILL')
  await primary.line(new RegExp(`worker ${first?.pid} ended by itself \\(SIGKILL\\)`))
  const pids = (await underway()).map(({ pid }) => pid)
  expect(pids).toContain(second?.pid)
  expect(pids).not.toContain(first?.pid)
})

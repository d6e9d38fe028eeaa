import { setTimeout as sleep } from 'node:timers/promises'
import { listens } from '../testing/sigterm.js'
import { Traffic } from '../testing/traffic.js'
import { Underway } from '../testing/underway.js'
import { Pm2 } from './pm2.js'

// PM2 starts several processes, one after another, each in its own time; and promises have to outlive that.
jest.setTimeout(90_000)
const env = { PORT: '0', KEEP_ALIVE: '15000' }

let pm2: Pm2
let clients: { destroy(): void }[]

beforeEach(() => {
  pm2 = new Pm2(env)
  clients = []
})

afterEach(async () => {
  for (const client of clients) client.destroy()
  await pm2.dispose()
}, 60_000)

async function underway(port: number, processes: number): Promise<Underway[]> {
  const begun = await Underway.inEach(port, processes)
  clients.push(...begun)
  return begun
}

function traffic(port: number): Traffic[] {
  const sent = (['new', 'new', 'new', 'kept', 'kept', 'kept'] as const).map((connections) => new Traffic(port, connections))
  clients.push(...sent)
  return sent
}

describe('pm2 reload, cluster mode', () => {
  it('under load: nothing is lost; what is half sent is answered, promises are kept, and every old process exits with 0', async () => {
    await pm2.start('web')
    const port = await pm2.port('web')
    const old = await underway(port, 2)
    const load = traffic(port)

    const reloaded = pm2.reload('web')
    await Promise.all(
      old.map(async (exchange) => {
        await exchange.told()
        await exchange.finish()
      }),
    )
    await reloaded
    await Promise.all(load.map((client) => client.more(5)))

    expect(load.flatMap(({ lost }) => lost)).toEqual([])
    expect(await pm2.exits('web', 2)).toEqual([
      'exited with code [0] via signal [SIGINT]',
      'exited with code [0] via signal [SIGINT]',
    ])
    // Although the configuration has `shutdown_with_message`.
    expect(pm2.printed('web').match(/drained in .*? \((\w+)\).* 0 cut/g)).toHaveLength(2)
    expect(pm2.printed('web')).toMatch(/drained in .*? \(SIGINT\)/)
    const pids = old.map(({ pid }) => pid)
    for (const { pid } of await underway(port, 2)) expect(pids).not.toContain(pid)
  })

  it("with PM2's own kill_timeout of 1.6 s what is half sent gets no answer: the configuration needs a longer one", async () => {
    await pm2.start('web', pm2.withoutKillTimeout())
    const [exchange] = await underway(await pm2.port('web'), 1)
    const reloaded = pm2.reload('web')
    await exchange?.told()
    expect(await exchange?.unfinished()).toBe('')
    await reloaded
    expect(await pm2.exits('web', 1)).toEqual(['exited with code [0] via signal [SIGKILL]'])
  })
})

describe.each([
  ['web', 'cluster', 2],
  ['single', 'fork', 1],
] as const)('pm2 stop %s, in %s mode', (name, _mode, processes) => {
  it('comes as the message `shutdown`: what is half sent is answered, promises are kept, and every process exits with 0', async () => {
    await pm2.start(name)
    const exchanges = await underway(await pm2.port(name), processes)
    const stopped = pm2.run('stop', name)
    for (const exchange of exchanges) {
      await exchange.told()
      await exchange.finish()
    }
    await stopped
    const exits = await pm2.exits(name, processes)
    expect(exits).toEqual(Array(processes).fill('exited with code [0] via signal [SIGINT]'))
    expect(pm2.printed(name).match(/drained in .*? \(shutdown\): .* 0 cut/g)).toHaveLength(processes)
  })
})

describe('pm2 reload, fork mode', () => {
  it('is a restart: what was accepted is answered, and until the new process listens who comes is refused', async () => {
    await pm2.start('single')
    const port = await pm2.port('single')
    const [exchange] = await underway(port, 1)
    const reloaded = pm2.reload('single')
    await exchange?.told()
    while (await listens(port)) await sleep(20)
    await exchange?.finish()
    await reloaded
    expect(await pm2.exits('single', 1)).toEqual(['exited with code [0] via signal [SIGINT]'])
    const [next] = await underway(await pm2.port('single', 1), 1)
    expect(next?.pid).not.toBe(exchange?.pid)
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { Client } from './client.mjs'
import { experiments } from './experiments.mjs'
import { run as handshake } from './handshake.mjs'
import { run as limits } from './limits.mjs'
import { run as nagle } from './nagle.mjs'
import { run as occupancy } from './occupancy.mjs'
import { run as page } from './page.mjs'
import { run as ports } from './ports.mjs'
import { answering, serve } from './server.mjs'
import { roundTrips, run as slowStart } from './slow-start.mjs'
import { countTimeWait } from './sockets.mjs'
import { formatTable, median, wrap } from './table.mjs'
import { run as timeWait } from './time-wait.mjs'

const quiet = () => {}

async function lab(...options: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [path.join(__dirname, 'lab.mjs'), ...options], { stdio: ['ignore', 'pipe', 'pipe'] })
  const exited = once(child, 'exit')
  const output = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await exited
  return { code, output: output.join('') }
}

describe('the lab', () => {
  it('fetches a page in five ways, and counts what each costs in connections', async () => {
    const { rows } = await page({ objects: 4, oneWay: 5, width: 2, work: 1, repeat: 1 }, quiet)
    expect(rows).toMatchObject([
      { way: 'serial, each on a new connection', requests: 5, opened: 5, reuse: 1, server: 5, peer: 0 },
      { way: '2 in parallel, each on a new connection', requests: 5, opened: 5, reuse: 1, server: 5, peer: 0 },
      { way: 'persistent, one connection', requests: 5, opened: 1, reuse: 5, server: 0, peer: 1 },
      { way: 'persistent, 2 connections', requests: 5, opened: 2, reuse: 2.5, server: 0, peer: 2 },
      { way: 'pipelined, one connection', requests: 5, opened: 1, reuse: 5, server: 0, peer: 1 },
    ])
    // The proxy never delivers early: two round trips for each new connection, one for each request on a kept one.
    const least = [5 * 20, 3 * 20, 20 + 4 * 10, 20 + 2 * 10, 20 + 10]
    for (const [index, { ms }] of rows.entries()) expect(ms).toBeGreaterThan((least[index] ?? 0) * 0.9)
  })

  it('compares new connections with kept ones, plain and with TLS', async () => {
    const { rows } = await handshake({ requests: 3, far: 1, oneWay: 5 }, quiet)
    expect(rows).toMatchObject([
      { way: 'http: a new connection each', opened: 4, reuse: 1 },
      { way: 'http: one kept connection', opened: 1, reuse: 4 },
      { way: 'https: a new connection each', opened: 4, reuse: 1 },
      { way: 'https: one kept connection', opened: 1, reuse: 4 },
    ])
    for (const [index, { away }] of rows.entries()) expect(away).toBeGreaterThan(([20, 10, 30, 10][index] ?? 0) * 0.9)
  })

  it('shows on which side TIME_WAIT stays', async () => {
    const { rows } = await timeWait({ requests: 3 }, quiet)
    expect(rows.map(({ opened, first }) => [opened, first.server, first.peer])).toEqual([
      [3, 3, 0],
      [3, 3, 0],
      [3, 0, 3],
      [3, 3, 0],
      [3, 0, 3],
      [1, 0, 1],
    ])
    const resets = 4
    for (const [index, { first, held }] of rows.entries()) {
      if (held) expect(held).toEqual({ server: first.server, client: index === resets ? 0 : first.peer })
    }
  })

  it('does not count what an earlier server has left on its port', async () => {
    const server = await serve(answering(1))
    const before = countTimeWait(server.port)
    const client = new Client(server.port)
    await client.get()
    await client.close()
    await server.stats()
    await server.stop()
    if (before() === undefined) return
    expect(before()).toEqual({ server: 0, client: 1 })
    expect(countTimeWait(server.port)()).toEqual({ server: 0, client: 0 })
  })

  it('refuses the one too many with an answer, and counts it', async () => {
    const { rows } = await limits({ clients: 6, work: 100, settle: 100 }, quiet)
    const of = (name: string) => rows.find(({ limits }) => limits === name)
    expect(of('connections: 4')).toMatchObject({ seen: { answered: 4, refused: 2, lost: 0 }, ran: 4, refused: 2, kept: 4 })
    expect(of("connections: 4, refuse: 'drop'")).toMatchObject({ seen: { answered: 4, refused: 0, lost: 2 }, ran: 4, refused: 2 })
    expect(of('idle: 3')).toMatchObject({ seen: { answered: 6 }, kept: 3, closedByLimit: 3, promisesBroken: 3 })
    expect(of('idle: 3, nothing promised')).toMatchObject({ seen: { answered: 6 }, kept: 3, closedByLimit: 3, promisesBroken: 0 })
  })

  it('counts the connections that come back where the server closes them because it is busy', async () => {
    const { rows, shows } = await occupancy({ clients: 2, requests: 10 }, quiet)
    for (const [none = 0, some = 0, all = 0] of [rows.slice(0, 3), rows.slice(3)].map((part) =>
      part.map(({ opened }) => opened),
    )) {
      expect([none, all]).toEqual([2, 20])
      // One whose last response says close does not come back.
      expect(some).toBeGreaterThanOrEqual(6)
      expect(some).toBeLessThanOrEqual(8)
    }
    expect(shows).toMatch(/costs \d+\.\d times the CPU/)
  })

  it('tells five cases of Nagle and delayed ACK apart', async () => {
    const { rows, notes } = await nagle({ requests: 2 }, quiet)
    expect(rows.map(({ noDelay }) => noDelay)).toEqual([true, true, false, false, true])
    const [, atOnce, , waits] = rows
    if (process.platform === 'linux') expect(waits!.delayed.median).toBeGreaterThan(atOnce!.delayed.median)
    expect(rows.every(({ quick }) => quick === undefined)).toBe(notes?.length === 1)
  })

  it('runs out of ports, or says why it cannot be shown', async () => {
    const { rows, notes } = await ports({ ports: 6, requests: 9 }, quiet)
    if (rows.length === 0) return expect(notes?.[0]).toMatch(/^Not shown here: /)
    expect(rows).toMatchObject([
      { how: 'client closes first', answered: 6, error: 'EADDRNOTAVAIL', held: { server: 0, client: 6 } },
      { how: 'server closes first', answered: 9, error: '', first: { server: 9, peer: 0 } },
      { how: 'one kept connection', answered: 9, error: '', first: { server: 0, peer: 1 } },
    ])
  })

  it('reads the congestion window, or says why it cannot be shown', async () => {
    const { rows, notes } = await slowStart({ sizes: [500_000], rest: 1 }, quiet)
    if (rows.length === 0) return expect(notes?.[0]).toMatch(/^Not shown here: /)
    expect(rows.map(({ moment }) => moment)).toEqual([
      'fresh',
      'after 500,000 bytes',
      'after 0.001 s of rest',
      'the next connection',
    ])
    const [fresh, warm, , next] = rows.map(({ looks }) => looks[0]!)
    expect(fresh).toMatchObject({ algorithm: 'reno', cwnd: next!.cwnd })
    expect(warm!.cwnd).toBeGreaterThan(fresh!.cwnd)
  })

  it('works out round trips', () => {
    const look = { moment: '', algorithm: 'reno', mss: 1_000 }
    expect(roundTrips({ ...look, cwnd: 10 }, 10_000)).toBe(1)
    expect(roundTrips({ ...look, cwnd: 10 }, 30_001)).toBe(3)
  })

  it('prints tables and sentences that fit', () => {
    expect(formatTable([['', (row: string) => row] as const, ['n', () => 12] as const], ['abc'])).toBe(
      '      n\n───────\nabc  12',
    )
    for (const line of wrap('word '.repeat(60).trim(), '  ').split('\n')) expect(line.length).toBeLessThanOrEqual(110)
    expect(median([4, 1, 3, 2])).toBe(2.5)
  })

  it('runs what is named, and says what it knows', async () => {
    const { code, output } = await lab('limits')
    expect(output).toMatch(/^━━ limits: .+ s\)$/m)
    expect(output).toMatch(/^connections: 4 +4 +8 +0 +4 +8 +4 +8 +0$/m)
    expect(code).toBe(0)
    const { output: list } = await lab('--list')
    expect(list.trim().split('\n')).toHaveLength(experiments.length)
    expect(await lab('slowstart')).toEqual({
      code: 2,
      output: `\nThe lab failed: no experiment is called slowstart; there are ${experiments.map(({ name }) => name).join(', ')}\n`,
    })
  })
})

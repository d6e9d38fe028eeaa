import { spawn } from 'node:child_process'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { probe, rules } from 'halfclose-probe'
import { describeWith, find } from '../../../test/clients/client.js'
import { main } from '../src/main.js'
import { progressOn } from '../src/output/progress.js'
import { type FaultyServer, serve } from './server/server.js'

// What the probe promises to those whose server it asks, and to the scripts that run it.

const cli = path.join(__dirname, '../dist/cli.mjs')
const servers: FaultyServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
  jest.restoreAllMocks()
})

async function start(...faults: string[]) {
  const server = await serve(new Set(faults))
  servers.push(server)
  return { ...server, url: `http://127.0.0.1:${server.port}/` }
}

/** The exit code of the program, and what it wrote. */
async function run(...args: string[]) {
  const out: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    jest.spyOn(stream, 'write').mockImplementation((text) => out.push(String(text)) > 0)
  }
  const code = await main(args)
  jest.restoreAllMocks()
  return { code, out: out.join('') }
}

test.each(rules.map(({ id }) => id))('--explain %s says what is sent, what is expected, and why', async (id) => {
  const rule = rules.find((one) => one.id === id)
  const { code, out } = await run('--explain', id)
  expect(code).toBe(0)
  for (const part of [rule?.title, rule?.sends, rule?.expects, rule?.why, rule?.section, rule?.level]) expect(out).toContain(part)
})

test('--explain of a check that is not there is a sentence and exit code 2', async () => {
  expect(await run('--explain', 'a/nope')).toEqual({
    code: 2,
    out: 'halfclose-probe: There is no check "a/nope". --help lists them all.\n',
  })
})

test('exit code 0 where every rule is kept, 1 where a MUST is broken, 0 again where that is not asked for', async () => {
  const [good, bad] = [await start(), await start('a/close-plain')]
  const only = ['--only', 'a/close-plain', '--patience', '1000']
  expect(await run(good.url, ...only)).toMatchObject({ code: 0, out: expect.stringContaining('1 of 1 rules') })
  expect(await run(bad.url, ...only)).toMatchObject({ code: 1, out: expect.stringContaining('0 of 1 rules') })
  expect(await run(bad.url, ...only, '--fail-on', 'never')).toMatchObject({ code: 0 })
})

test('the files that are asked for are written', async () => {
  const { url } = await start()
  const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-probe-'))
  const [json = '', html = '', badge = ''] = ['out.json', 'out.html', 'badge.svg'].map((name) => path.join(folder, name))
  try {
    const { code } = await run(url, '--only', 'a/persists', '--json', json, '--html', html, '--badge', badge)
    expect(code).toBe(0)
    expect(JSON.parse(readFileSync(json, 'utf8')).results).toMatchObject([{ id: 'a/persists', outcome: 'pass' }])
    expect(readFileSync(html, 'utf8')).toContain('two requests were answered on one connection')
    expect(readFileSync(badge, 'utf8')).toContain('A 1/1')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

// 0.0.0.0 is on no list of private addresses, and on Linux it leads to this machine.
test('a server that is neither loopback nor private is probed with --yes', async () => {
  const { port } = await start()
  const args = [`http://0.0.0.0:${port}/`, '--only', 'a/persists']
  expect(await run(...args)).toMatchObject({ code: 2, out: expect.stringContaining('say so with --yes') })
  expect(await run(...args, '--yes')).toMatchObject({ code: 0 })
})

describeWith(find('script'), 'on a terminal', 'no script(1), which makes terminals, on this machine', () => {
  test.each([
    ['yes', 0, 'a/persists: pass'],
    ['no', 2, 'not probed'],
    ['Ctrl-D', 2, 'not probed'],
  ])('it asks before it probes such a server; the answer is %s', async (answer, code, said) => {
    const { port } = await start()
    const command = `'${process.execPath}' '${cli}' http://0.0.0.0:${port}/ --only a/persists`
    const child = spawn('script', ['-qec', command, '/dev/null'])
    let out = ''
    let asked = false
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      if (!asked && out.includes('(yes/no)')) child.stdin.write(answer === 'Ctrl-D' ? '\u0004' : `${answer}\n`)
      asked ||= out.includes('(yes/no)')
    })
    const [exitCode] = await once(child, 'close')
    expect(out).toContain('neither loopback nor private. Is it yours to probe?')
    expect({ exitCode, out }).toEqual({ exitCode: code, out: expect.stringContaining(said) })
  })
})

test('floods are sent to loopback, and elsewhere only with --floods', async () => {
  const { url, port } = await start()
  const only = ['--only', 'a/h2-ping-flood']
  expect((await run(url, ...only)).out).toContain('a/h2-ping-flood: yes')
  const elsewhere = [`http://0.0.0.0:${port}/`, '--yes', ...only]
  expect((await run(...elsewhere)).out).toContain('floods are sent to loopback only')
  expect((await run(...elsewhere, '--floods')).out).toContain('a/h2-ping-flood: yes')
})

test('no more connections are open at once than --connections allows', async () => {
  const { url } = await start()
  const sockets: Socket[] = []
  const most: number[] = []
  const opened = (message: unknown) => {
    if (typeof message !== 'object' || message === null || !('socket' in message) || !(message.socket instanceof Socket)) return
    sockets.push(message.socket)
    most.push(sockets.filter(({ destroyed }) => !destroyed).length)
  }
  subscribe('net.client.socket', opened)
  try {
    const only = [...rules.map(({ id }) => id).filter((id) => /^a\/(close|half)/.test(id)), 'b/leavers-noticed']
    const { results } = await probe({ url, connections: 3, patience: 1_000, only, slow: '/slow?ms=300' })
    expect(sockets.length).toBeGreaterThan(10)
    expect(Math.max(...most)).toBe(3)
    expect(results.find(({ id }) => id === 'b/leavers-noticed')?.detail).toMatch(/it needs 13 connections at once/)
  } finally {
    unsubscribe('net.client.socket', opened)
  }
})

test('no more bytes are sent than --bytes allows', async () => {
  const { url, server } = await start()
  let received = 0
  server.on('connection', (socket) => socket.on('close', () => (received += socket.bytesRead)))
  const bytes = 3_000_000
  const { results } = await probe({ url, bytes, patience: 2_000, tiers: ['a'], floods: true })
  expect(received).toBeLessThan(bytes)
  const left = results.filter(({ detail }) => /--bytes leaves/.test(detail)).map(({ id }) => id)
  expect(left).toEqual(expect.arrayContaining(['a/early-answer', 'a/early-answer-close']))
})

test('on a terminal it shows the checks that run, and each verdict as soon as it is there', async () => {
  const { url } = await start()
  const written: string[] = []
  const { progress, end } = progressOn({ isTTY: true, columns: 80, write: (text) => written.push(text) })
  await probe({ url, only: ['a/persists', 'a/idle-ends'], patience: 3_000, progress })
  end()
  const out = written.join('')
  expect(out).toMatch(/a\/persists 0 s/)
  expect(out).toContain('✓ a/persists: pass, two requests were answered on one connection\n')
  // A line that is written anew twice a second.
  expect(out).toContain('\r\u001b[Ka/idle-ends 1 s')
})

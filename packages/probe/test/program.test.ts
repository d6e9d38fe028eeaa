import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Report } from 'halfclose-probe'
import { OPTIONS } from '../src/options/arguments.js'
import { type FaultyServer, serve } from './server/server.js'

// The program as it is built, in a process of its own: every option does what --help says.

const cli = path.join(__dirname, '../dist/cli.mjs')
const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-probe-'))
const servers: FaultyServer[] = []
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await Promise.all(servers.map((server) => server.close()))
})

async function start(...faults: string[]): Promise<number> {
  const server = await serve(new Set(faults))
  servers.push(server)
  return server.port
}

function launch(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const said = { out: '', error: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.error += text))
  const ended = once(child, 'close').then(([code]: unknown[]) => ({ code, ...said }))
  return { child, said, ended }
}
const run = (...args: string[]) => launch(args).ended

/** The details of the checks by their ids. */
const found = (file: string): Record<string, string> => {
  const report: Report = JSON.parse(readFileSync(file, 'utf8'))
  return Object.fromEntries(report.results.map(({ id, outcome, detail }) => [id, `${outcome}: ${detail}`]))
}

test.each(['--help', '-h'])('%s names every option', async (help) => {
  const { code, out } = await run(help)
  expect(code).toBe(0)
  expect(Object.keys(OPTIONS).filter((name) => !['url', 'help', 'version'].includes(name) && !out.includes(`--${name}`))).toEqual(
    [],
  )
})

test('-v is the version; --explain says what a check sends', async () => {
  const [version, explained] = await Promise.all([run('-v'), run('--explain', 'a/early-answer')])
  expect(version).toEqual({ code: 0, error: '', out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  expect(explained).toMatchObject({ code: 0, out: expect.stringContaining('It sends') })
})

test('--tier, --slow, --only, --patience, --connections, --bytes, --fail-on, --json, --html and --badge', async () => {
  const port = await start('a/half-closed', 'a/silent-let-go')
  const [json, html, badge] = ['1.json', '1.html', '1.svg'].map((name) => path.join(folder, name)) as [string, string, string]
  const ids = ['a/half-closed', 'a/silent-let-go', 'a/no-promise-beside-close', 'a/400-readable', 'b/half-closed-slow']
  const only = ['--only', ids.slice(0, 3).join(','), '--only', ids.slice(3).join(',')]
  const limits = ['--patience', '1000', '--connections', '2', '--bytes', '100_000', '--fail-on', 'should']
  const files = ['--json', json, '--html', html, '--badge', badge]
  const { code, out, error } = await run(
    `http://127.0.0.1:${port}/`,
    '--tier',
    'a,b',
    '--slow',
    '/slow?ms=400',
    ...only,
    ...limits,
    ...files,
  )
  expect({ code, error }).toEqual({ code: 1, error: expect.stringContaining('! a/half-closed: warn') })
  expect(out).toContain('Tier B: with a path that takes its time')
  expect(found(json)).toEqual({
    'a/half-closed': expect.stringMatching(/^warn: 0 of 1 answered, then FIN/),
    'a/silent-let-go': 'no: still there after 1.0 s: no answer',
    'a/no-promise-beside-close': 'not applicable: it needs 3 connections at once, and --connections allows 2',
    'a/400-readable': expect.stringMatching(/^not applicable: it sends up to 2097152 bytes, and --bytes leaves \d+$/),
    'b/half-closed-slow': 'pass: answered',
  })
  expect(readFileSync(html, 'utf8')).toContain('a/half-closed')
  expect(readFileSync(badge, 'utf8')).toContain('A 0/1')
})

test('--yes and --floods, where the server is not on loopback', async () => {
  const json = path.join(folder, '2.json')
  const args = [`http://0.0.0.0:${await start()}/`, '--only', 'a/h2-ping-flood', '--json', json]
  expect(await run(...args)).toEqual({ code: 2, out: '', error: expect.stringContaining('say so with --yes') })
  expect(existsSync(json)).toBe(false)
  expect(await run(...args, '--yes', '--floods')).toMatchObject({ code: 0 })
  expect(found(json)).toEqual({ 'a/h2-ping-flood': expect.stringMatching(/^yes: ended within/) })
})

/** Ends with code 0 on SIGUSR2 alone, and not before its connections have ended. */
const SERVER = [
  "const server = require('http').createServer((q, s) => (q.url === '/stream' ? s.write('tick') : setTimeout(() => s.end('ok'), 400)))",
  'server.listen(PORT, () => console.log(1))',
  "process.on('SIGUSR2', () => server.close(() => process.exit(0)))",
  "process.on('SIGTERM', () => process.exit(3))",
].join(';')
const command = (port: number): string => `HALFCLOSE_TEST=1 '${process.execPath}' -e "${SERVER.replace('PORT', `${port}`)}"`

async function freePort(): Promise<number> {
  const listener = createServer()
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const address = listener.address()
  await new Promise((resolve) => listener.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

test('--run, --url, --stop, --deadline and --stream', async () => {
  const [port, json] = [await freePort(), path.join(folder, '3.json')]
  const url = `http://127.0.0.1:${port}/`
  const only = ['--tier', 'c', '--only', 'c/exit-code,c/stream-ends', '--json', json]
  const stopped = await run(
    '--run',
    command(port),
    '--url',
    url,
    ...only,
    '--stream',
    '/stream',
    '--deadline',
    '3000',
    '--stop',
    'usr2',
  )
  expect(stopped).toMatchObject({ code: 0 })
  expect(found(json)).toEqual({
    'c/exit-code': expect.stringMatching(/^pass: gone after/),
    'c/stream-ends': 'no: still there after 3.0 s; the answer ended by the connection stays open',
  })
  expect(await run('--run', command(port), '--url', url, ...only, '--fail-on', 'SHOULD')).toMatchObject({ code: 1 })
  expect(found(json)).toEqual({
    'c/exit-code': 'warn: exit code 3',
    'c/stream-ends': 'not applicable: no path of an answer without an end was given (--stream)',
  })
}, 60_000)

const refuses = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(true)).once('connect', () => resolve(socket.destroy() === undefined))
  })

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'on %s it ends with code 2, and so does the process that it started',
  async (signal) => {
    const port = await freePort()
    const args = ['--run', command(port), '--url', `http://127.0.0.1:${port}/`, '--only', 'a/idle-ends,a/persists']
    const { child, said, ended } = launch(args)
    while (!said.error.includes('a/persists')) await once(child.stderr, 'data')
    child.kill(signal)
    expect(await ended).toEqual({ code: 2, out: '', error: expect.stringMatching(`ended by ${signal}\n$`) })
    while (!(await refuses(port))) await new Promise((resolve) => setTimeout(resolve, 20))
  },
  60_000,
)

test('a file that cannot be written is a sentence, before anything is probed', async () => {
  const url = `http://127.0.0.1:${await start()}/`
  expect(await run(url, '--json', path.join(folder, 'no', 'out.json'))).toEqual({
    code: 2,
    out: '',
    error: `halfclose-probe: ${folder}/no/out.json cannot be written: there is no folder ${folder}/no\n`,
  })
  expect(await run(url, '--html', folder)).toMatchObject({ code: 2, error: expect.stringContaining('it is a folder') })
})

test('a reader that has seen enough does not change the exit code', async () => {
  const { child, ended } = launch([`http://127.0.0.1:${await start()}/`, '--only', 'a/persists'])
  child.stdout.destroy()
  expect(await ended).toEqual({ code: 0, out: '', error: expect.not.stringContaining('EPIPE') })
})

test('a server that does not take part in the TLS handshake is a sentence', async () => {
  const listener = createServer((socket) => socket.on('error', () => {}))
  await once(listener.listen(0, '127.0.0.1'), 'listening')
  const address = listener.address()
  const url = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`
  const { code, error } = await launch([url], { HALFCLOSE_PATIENCE: '500' }).ended
  listener.close()
  expect({ code, error }).toEqual({
    code: 2,
    error: `${url} cannot be reached: the connection does not come about; no answer comes from there.\n`,
  })
})

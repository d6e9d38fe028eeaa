import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import path from 'node:path'
import { badge, explain, html, type Report, rules, table, version } from 'halfclose-probe'
import { exitCode, main } from '../src/main.js'
import { nearnessOf } from '../src/options/address.js'
import { parseArguments } from '../src/options/arguments.js'
import { parseCommand } from '../src/process/command.js'

const folder = path.join(__dirname, '..')

test('every check has an id of its own, and the README names it with its level and its rule', () => {
  const ids = rules.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  const readme = readFileSync(path.join(folder, 'README.md'), 'utf8')
  const missing = rules.filter(({ id, level, title }) => !readme.includes(`| \`${id}\` | ${level} | ${title}`))
  expect(missing.map(({ id }) => id)).toEqual([])
  const count = (tier: string) => rules.filter((rule) => rule.tier === tier).length
  expect(count('a')).toBeGreaterThanOrEqual(24)
  expect(count('b')).toBeGreaterThanOrEqual(6)
  expect(count('c')).toBeGreaterThanOrEqual(10)
})

const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))

test('the package depends on nothing', () => {
  expect(manifest.dependencies).toBeUndefined()
})

test.each([
  [['ftp://a/'], /ftp:\/\/: the probe speaks http/],
  [['http://a/', 'http://b/'], /is a second one/],
  [['http://:0:0/'], /is not a URL/],
  [['http://a/', '--url', 'http://b/'], /are two/],
  [['http://me:secret@a/x'], /the probe sends neither: write http:\/\/a\/x$/],
  [['--tier', 'd', 'http://a/'], /there are a, b and c/],
  [['--tier', 'b', 'http://a/'], /--slow/],
  [['--tier', 'c', 'http://a/'], /--run/],
  [['--patience', 'soon', 'http://a/'], /whole number/],
  [['--patience', '100_000_000', 'http://a/'], /at most 86400000/],
  [['--stop', 'SIGNOPE', 'http://a/'], /no signal/],
  [['--slow', 'slow', 'http://a/'], /begins with a slash/],
  [['--only', 'a/nope', 'http://a/'], /no check "a\/nope"/],
  [['--only', 'a/persists,c/in-flight', 'http://a/'], /c\/in-flight belongs to tier c, which is not run: it needs --run/],
  [['--only', 'a/persists', '--tier', 'b', '--slow', '/', 'http://a/'], /belongs to tier a, which is not run/],
  [['--fail-on', 'all', 'http://a/'], /MUST, SHOULD or never/],
  [['--run', ' ', 'http://a/'], /names no program/],
  [['--nonsense', 'http://a/'], /nonsense/],
])('%j is answered by a sentence', (args, sentence) => {
  expect(() => parseArguments(args)).toThrow(sentence)
})

test('a command is taken apart without a shell', () => {
  expect(parseCommand(`PORT=1 'a node' "x y" --z='1 2'`)).toEqual({
    file: 'a node',
    args: ['x y', '--z=1 2'],
    env: { PORT: '1' },
  })
})

test.each([
  [['127.0.0.1', '::1'], 'loopback'],
  [['10.1.2.3'], 'private'],
  [['192.168.0.1', 'fe80::1'], 'private'],
  [['10.0.0.1', '93.184.216.34'], 'public'],
  [['2001:db8::1'], 'public'],
])('%j is %s', (addresses, near) => {
  expect(nearnessOf(addresses)).toBe(near)
})

test('a broken MUST makes the exit code 1, a broken SHOULD only where it is asked for', () => {
  const report = (...outcomes: ('fail' | 'warn' | 'no')[]) => ({
    results: outcomes.map((outcome) => ({ ...sample.results[0]!, outcome })),
  })
  expect(exitCode(report('fail'), 'MUST')).toBe(1)
  expect(exitCode(report('warn', 'no'), 'MUST')).toBe(0)
  expect(exitCode(report('warn'), 'SHOULD')).toBe(1)
  expect(exitCode(report('fail'), 'never')).toBe(0)
})

const sample: Report = {
  probe: version,
  url: 'http://127.0.0.1/?a=<b>',
  at: '2026-11-30T00:00:00.000Z',
  ms: 81_000,
  facts: {
    http1: true,
    status: 200,
    server: '<script>',
    tls: undefined,
    persistent: true,
    promise: 5,
    max: undefined,
    http2: false,
    slow: undefined,
    stream: undefined,
  },
  scores: [{ tier: 'a', kept: 0, applicable: 1, ms: 81_000 }],
  results: [
    {
      ...rules[0]!,
      outcome: 'warn',
      detail: 'FIN <now>',
      ms: 1,
      trials: [{ detail: 'FIN', connections: [{ lines: [{ at: 1, what: 'sent <x>' }] }] }],
    },
  ],
}

test('the page, the table and the badge say what was found, and nothing of the server is markup', () => {
  const page = html(sample)
  expect(page).toContain('&lt;script&gt;')
  expect(page).not.toMatch(/<script>|<now>|sent <x>/)
  expect(page).toContain('A 0/1')
  expect(table(sample)).toContain('0 of 1 rules that apply are kept; behaviour is not counted. It took 81 s.')
  expect(table(sample, { colour: true })).toContain('\u001b[33m')
  expect(badge(sample)).toContain('halfclose-probe: A 0/1')
  expect(explain('a/persists')).toContain('RFC 9112 §9.3')
  expect(explain('a/nope')).toBeUndefined()
})

/** What the program writes to stderr. */
async function said(args: string[]): Promise<[number, string]> {
  const write = jest.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    const code = await main(args)
    return [code, write.mock.calls.map(([text]) => text).join('')]
  } finally {
    write.mockRestore()
  }
}

test('a server that cannot be reached is a sentence and exit code 2', async () => {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await new Promise((resolve) => listener.close(resolve))
  const [code, text] = await said([`http://127.0.0.1:${port}/`])
  expect([code, text]).toEqual([
    2,
    `http://127.0.0.1:${port}/ cannot be reached: the connection is refused; no server listens there.\n`,
  ])
})

test('what speaks no HTTP is a sentence and exit code 2', async () => {
  const sockets: Socket[] = []
  const listener = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.end('220 mail.example ESMTP\r\n')
  }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const [code, text] = await said([`http://127.0.0.1:${port}/`, '--patience', '1000'])
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => listener.close(resolve))
  expect([code, text]).toEqual([2, `http://127.0.0.1:${port}/ takes a connection, but what it answers to a GET is not HTTP.\n`])
})

test('a process that does not listen is a sentence with what it said, and exit code 2', async () => {
  const run = `'${process.execPath}' -e "console.error('no such port'); process.exit(1)"`
  const [code, text] = await said(['--run', run, '--url', 'http://127.0.0.1:1/', '--tier', 'c'])
  expect(code).toBe(2)
  expect(text).toMatch(/ended \(code 1\) before it listened on http:\/\/127\.0\.0\.1:1\/\. It said: no such port/)
})

test('a port that is taken is a sentence, and exit code 2', async () => {
  const listener = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const [code, text] = await said(['--run', `'${process.execPath}' -e 0`, '--url', `http://127.0.0.1:${port}/`, '--tier', 'c'])
  await new Promise((resolve) => listener.close(resolve))
  expect([code, text]).toEqual([
    2,
    `A server listens on http://127.0.0.1:${port}/ already: ${process.execPath} cannot be started there.\n`,
  ])
}, 60_000)

test('a public server is not probed unasked', async () => {
  const [code, text] = await said(['http://93.184.216.34/'])
  expect(code).toBe(2)
  expect(text).toMatch(/neither loopback nor private.*--yes/)
})

test('the program is there once it is built, and has the version of its package', async () => {
  const child = spawn(process.execPath, [path.join(folder, 'dist/cli.mjs'), '--version'])
  let out = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  await once(child, 'close')
  expect(out).toBe(`${manifest.version}\n`)
})

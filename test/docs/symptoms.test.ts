import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { fetch } from 'undici'
import { freePort } from '../../examples/testing/ports.js'
import { describeWith, find } from '../clients/client.js'
import { Arrivals, within } from '../support/wait.js'
import { read, root } from './pages.js'

// docs/troubleshooting.md has lines of other programs as headings. Each that can be provoked here is: a server takes a request and closes too early.

const page = read('docs/troubleshooting.md')
const ends = {
  fin: (socket: Socket) => socket.end(),
  reset: (socket: Socket) => socket.resetAndDestroy(),
  amidBody: (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'),
}

const servers: Server[] = []
async function serve(end: (socket: Socket) => unknown, port = 0): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => end(socket))
  })
  servers.push(server)
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** The page has it in a heading. */
function heads(line: string): void {
  expect([...page.matchAll(/^## (.+)$/gm)].some(([, heading = '']) => heading.includes(line)) || line).toBe(true)
}

test('undici', async () => {
  const port = await serve(ends.fin)
  const failure: unknown = await fetch(`http://127.0.0.1:${port}/`).catch((error: Error) => error.cause)
  expect(failure).toMatchObject({ message: 'other side closed', code: 'UND_ERR_SOCKET' })
  heads('other side closed')
})

test('fetch, amid a body', async () => {
  const port = await serve(ends.amidBody)
  const response = await fetch(`http://127.0.0.1:${port}/`)
  const failure: unknown = await response.text().catch((error: Error) => error)
  expect(failure).toMatchObject({ name: 'TypeError', message: 'terminated' })
  heads('TypeError: terminated')
})

test('node:http', async () => {
  const port = await serve(ends.fin)
  const [failure] = await once(get({ port, host: '127.0.0.1', agent: new Agent({ keepAlive: true }) }), 'error', {}).catch(
    (error: unknown) => [error],
  )
  expect(failure).toMatchObject({ message: 'socket hang up', code: 'ECONNRESET' })
  heads('socket hang up')
})

describeWith(find('curl'), 'curl', 'no curl on this machine', (curl) => {
  it.each([
    ['fin', '(52) Empty reply from server'],
    ['reset', '(56) Recv failure: Connection reset by peer'],
    ['amidBody', '(18) transfer closed with outstanding read data remaining'],
  ] as const)('%s: %s', async (end, line) => {
    const port = await serve(ends[end])
    const said = await new Promise<string>((resolve) =>
      execFile(curl, ['-sS', `http://127.0.0.1:${port}/`], (_error, _stdout, stderr) => resolve(stderr)),
    )
    expect(said).toContain(`curl: ${line}`)
    heads(line)
  })
})

test('halfclose itself: what it says of a drain that cuts a response', async () => {
  const child = spawn(process.execPath, [path.join(__dirname, '../comparison/server.mjs'), 'halfclose', '3000'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_ENV: 'production' },
  })
  const [said, printed] = [text(child.stderr), new Arrivals<string>()]
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => printed.push(chunk))
  const port = Number(/listening (\d+)/.exec(await within(printed.at(0), () => 'it listens', 20_000))?.[1])
  const endless = get({ port, host: '127.0.0.1', path: '/endless' }, (response) => {
    response.on('error', () => {}).once('data', () => child.kill('SIGTERM'))
  }).on('error', () => {})
  const [code] = await once(child, 'close')
  endless.destroy()
  expect(code).toBe(1)
  // Alike but for seconds and ports.
  const alike = (lines: string) => lines.replaceAll(/\d+(\.\d+)? s|:\d{4,5}/g, '#')
  const shown = page.split('\n').filter((line) => line.includes('/endless') || line.startsWith('[HALFCLOSE'))
  const quoted = shown.map((line) => /`(halfclose: draining[^`]*)`/.exec(line)?.[1] ?? line.replace(/^\[\w+\] /, ''))
  expect(quoted).toHaveLength(3)
  for (const line of quoted) expect(alike(await said)).toContain(alike(line.trim()))
}, 60_000)

// The fixed words of these lines: a reader who searches the page for what halfclose printed finds the section.
const sources = readdirSync(path.join(root, 'packages/core/src'), { encoding: 'utf8', recursive: true })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => read(`packages/core/src/${file}`))
  .join('\n')

test.each([
  ['is milliseconds; did you mean', '### `20 is milliseconds; did you mean 20_000?`'],
  ['nothing is left to drain in', '`nothing is left to drain in`'],
  ['other code (process.exit() at', '### `ended by other code`'],
  ['other code (process.exit() at', '`halfclose: ended by other code (process.exit() at '],
  ['in this process. While requests are open', '`1 other listener of SIGTERM in this process`'],
  ['calls the app, but not directly', '### `calls the app, but not directly`'],
  ["no server is known as the app's", "`no server is known as the app's`"],
  ['are not more than the ', '### `are not more than the 60000 ms for which`'],
  ['held it to the deadline', '### `1 held it to the deadline`'],
  ['the drain was not clean', '`the drain was not clean`'],
])('halfclose itself: "%s" is what it prints, and the page has it', (printed, written) => {
  expect(sources).toContain(printed)
  expect(page).toContain(written)
})

/** A proxy before a server that ends so, its log, and one request. */
async function proxied(command: string, argsOf: (file: string) => string[], config: string): Promise<Arrivals<string>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-symptoms-'))
  const file = path.join(folder, 'proxy.conf')
  writeFileSync(file, config.replaceAll('FOLDER', folder))
  const proxy = spawn(command, argsOf(file), { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines = new Arrivals<string>()
  for (const stream of [proxy.stdout, proxy.stderr]) stream.setEncoding('utf8').on('data', (text: string) => lines.push(text))
  const port = Number(/PORT (\d+)/.exec(config)?.[1])
  try {
    await within(answered(port), () => `an answer of the proxy; it said ${lines.list.join('')}`, 20_000)
    await within(lines.at(0), () => 'a line', 20_000)
    return lines
  } finally {
    const exit = once(proxy, 'exit')
    proxy.kill('SIGTERM')
    await exit
    rmSync(folder, { recursive: true })
  }
}

/** Resolves with the status, as soon as somebody listens. */
async function answered(port: number): Promise<number> {
  for (;;) {
    const status = await new Promise<number | undefined>((resolve) => {
      get({ port, host: '127.0.0.1' }, (response) => {
        response.resume()
        resolve(response.statusCode)
      }).on('error', () => resolve(undefined))
    })
    if (status !== undefined) return status
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

process.env.PATH += ':/usr/sbin:/sbin'

describeWith(find('nginx'), 'nginx', 'no nginx on this machine', (nginx) => {
  it.each([
    ['fin', 'upstream prematurely closed connection while reading response header from upstream'],
    ['reset', 'recv() failed (104: Connection reset by peer) while reading response header from upstream'],
    ['refused', 'connect() failed (111: Connection refused) while connecting to upstream'],
  ] as const)('%s: %s', async (end, line) => {
    const port = await freePort()
    const upstream = end === 'refused' ? await freePort() : await serve(ends[end])
    const config = `# PORT ${port}
daemon off; master_process off; pid FOLDER/pid; error_log stderr;
events {}
http { access_log off; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
server { listen 127.0.0.1:${port}; location / { proxy_pass http://127.0.0.1:${upstream}; } } }`
    const lines = await proxied(nginx, (file) => ['-c', file, '-e', 'stderr'], config)
    expect(lines.list.join('')).toContain(line)
    heads(line)
  })
})

describeWith(find('haproxy'), 'HAProxy', 'no haproxy on this machine', (haproxy) => {
  it.each([
    ['fin', 'SH--'],
    ['amidBody', 'SD--'],
    ['refused', 'SC--'],
  ] as const)('%s: %s', async (end, flags) => {
    const port = await freePort()
    const upstream = end === 'refused' ? await freePort() : await serve(ends[end])
    const config = `# PORT ${port}
global
  log stdout format raw local0
defaults
  mode http
  log global
  option httplog
  timeout client 10s
  timeout connect 2s
  timeout server 10s
  retries 0
listen all
  bind 127.0.0.1:${port}
  server a 127.0.0.1:${upstream}
`
    const lines = await proxied(haproxy, (file) => ['-f', file, '-db'], config)
    expect(lines.list.join('')).toContain(` ${flags} `)
    heads(flags)
  })
})

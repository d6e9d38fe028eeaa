import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { patience, until, within } from '../../test/support/wait.js'
import { Program } from '../testing/child.js'
import { freePort } from '../testing/ports.js'
import { RawClient } from '../testing/raw-client.js'
import { build, STANDALONE } from './build.js'

const REGISTER = pathToFileURL(path.join(__dirname, 'node_modules/@halfclose/core/dist/register.mjs')).href

beforeAll(build, 300_000)

it("Next.js' own standalone server under --import @halfclose/core/register, stopped amid a request: it is answered, and what comes within the promise is too", async () => {
  const port = await freePort()
  const server = new Program(process.execPath, ['--import', REGISTER, STANDALONE], {
    NODE_ENV: 'production',
    HOSTNAME: '127.0.0.1',
    PORT: String(port),
    HALFCLOSE: '{"drain":{"deadline":15000}}',
  })
  const clients: RawClient[] = []
  try {
    await server.line(/Ready/)
    const streaming = await RawClient.connect(port)
    clients.push(streaming)
    streaming.write('GET /api/stream HTTP/1.1\r\nHost: a\r\n\r\n')
    await until('the stream begins', () => streaming.text.includes('line 1\n'))
    expect(streaming.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\nKeep-Alive: timeout=5\r\n/s)

    server.terminate()
    await until('the stream ends', () => streaming.text.endsWith('\r\n0\r\n\r\n'), 2 * patience)
    expect(streaming.text.match(/line \d+\n/g)).toHaveLength(10)
    streaming.text = ''
    streaming.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await streaming.ended()
    expect(streaming.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\nConnection: close\r\n.*<h1>hello, world<\/h1>/s)
    // Its own: it waits for its server, which drains, and then ends the process.
    expect(await within(server.exit, () => server.lines.join('\n'), 3 * patience)).toEqual({ code: 143, signal: null })
  } finally {
    for (const client of clients) client.destroy()
    server.kill()
  }
})

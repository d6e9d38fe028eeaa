import { patience, until } from '../../test/support/wait.js'
import { Example } from '../testing/child.js'
import { RawClient } from '../testing/raw-client.js'
import { itKeepsItsPromises } from '../testing/sigterm.js'
import { build } from './build.js'

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: example\r\n\r\n`

beforeAll(build, 300_000)

describe('examples/nextjs, a custom server, at SIGTERM in the middle of an exchange', () => {
  itKeepsItsPromises(__dirname, {
    hello: '/api/hello',
    echo: '/api/echo',
    // What the route left to `after()` is done, too.
    ended: (lines) => expect(lines).toContain('after /api/echo'),
  })
})

describe('examples/nextjs, at SIGTERM in the middle of a streamed answer', () => {
  let example: Example
  let client: RawClient | undefined

  beforeEach(() => {
    example = new Example(__dirname, { DRAIN_DELAY: '0' })
  })

  afterEach(() => {
    client?.destroy()
    example.kill()
  })

  it('the stream comes to its end, the promise given with its head is kept, and the page asked for next says close', async () => {
    const port = Number((await example.line(/listening .*?(\d+)$/))[1])
    const streaming = await RawClient.connect(port)
    client = streaming
    streaming.write(get('/api/stream'))
    await until('the stream begins', () => streaming.text.includes('line 1\n'))
    expect(streaming.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\nKeep-Alive: timeout=5\r\n/s)

    example.terminate()
    await until('the stream ends', () => streaming.text.endsWith('\r\n0\r\n\r\n'), 2 * patience)
    expect(streaming.text.match(/line \d+\n/g)).toHaveLength(10)

    streaming.text = ''
    streaming.write(get('/'))
    expect(await streaming.ended()).toEqual(['data', 'end', 'close'])
    expect(streaming.text).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\nConnection: close\r\n.*<h1>hello, world<\/h1>.*\r\n0\r\n\r\n$/s)
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })
})

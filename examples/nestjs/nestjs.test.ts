import { Example } from '../testing/child.js'
import { RawClient } from '../testing/raw-client.js'
import { itKeepsItsPromises } from '../testing/sigterm.js'

const get = 'GET / HTTP/1.1\r\nHost: example\r\n\r\n'

describe.each(['express', 'fastify'])('examples/nestjs on platform-%s, at SIGTERM in the middle of an exchange', (platform) => {
  itKeepsItsPromises(__dirname, {
    file: `${platform}.mjs`,
    ended(lines) {
      const order = lines.filter((line) => /^(answers|on\w+|before\w+)$/.test(line))
      // A database closes after the last answer, whichever of the hooks does it; none of the hooks is left out, and none runs twice.
      const hooks = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown']
      expect(order).toEqual(['answers', 'answers', 'answers', 'answers', ...hooks])
    },
  })
})

describe('what the recipe warns of', () => {
  let example: Example
  let client: RawClient | undefined

  afterEach(() => {
    client?.destroy()
    example.kill()
  })

  it('enableShutdownHooks() runs onModuleDestroy first: a request that comes in time finds the database closed', async () => {
    example = new Example(__dirname, {}, 'testing/hooks-first.mjs')
    const connection = await connect()
    example.terminate()
    await example.line(/^onModuleDestroy$/)
    expect(await connection.request(get)).toMatchObject({ status: 500 })
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })

  it.each(['express', 'fastify'])(
    'Nest logs a hook that fails on platform-%s, and goes on: the exit code stays 0',
    async (platform) => {
      example = new Example(__dirname, { PLATFORM: platform }, 'testing/failing-hook.mjs')
      const connection = await connect()
      connection.close()
      example.terminate()
      await example.line(/Error: the pool would not close/)
      expect(await example.exit).toEqual({ code: 0, signal: null })
      expect(example.lines).toContain('onApplicationShutdown')
    },
  )

  it('`signals: true` without `close` on platform-fastify closes Fastify, and runs none of the hooks', async () => {
    example = new Example(__dirname, {}, 'testing/fastify-alone.mjs')
    const connection = await connect()
    connection.close()
    example.terminate()
    expect(await example.exit).toEqual({ code: 0, signal: null })
    expect(example.lines.filter((line) => /^(on|before)[A-Z]/.test(line))).toEqual([])
  })

  /** A connection that has its promise. */
  async function connect(): Promise<RawClient> {
    const connection = await RawClient.connect(Number((await example.line(/listening .*?(\d+)$/))[1]))
    client = connection
    expect(await connection.request(get)).toMatchObject({ status: 200, body: '{"hello":"world"}' })
    return connection
  }
})

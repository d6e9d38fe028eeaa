import { createServer, type Server } from 'node:http'
import { Duplex } from 'node:stream'
import { Client } from '../../../test/support/client.js'
import { portOf, quiet } from '../../../test/support/server.js'
import { deferred, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'
import type { Options, ServerState } from '../src/types.js'

// What a listener throws is uncaught, as in any listener; here what is thrown in a tick of its own is caught instead. What a logger throws is a warning: its transport may be
// closed on the signal on which we drain, and no request is to be lost for a line.

const uncaught: unknown[] = []
const nextTick = process.nextTick

beforeEach(() => {
  uncaught.splice(0)
  process.nextTick = (run: (...args: never[]) => void, ...args: never[]) =>
    nextTick(() => {
      try {
        run(...args)
      } catch (error) {
        uncaught.push(error)
      }
    })
})

afterEach(() => {
  process.nextTick = nextTick
})

async function listening(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
}

async function attached(options: Options) {
  const server = createServer((_req, res) => void res.end('ok'))
  const connections = attach(server, { drain: 'fast', logger: quiet, ...options })
  await listening(server)
  return { server, connections }
}

/** What was thrown, once the last of it is out. */
async function thrown(): Promise<string[]> {
  await new Promise((resolve) => setImmediate(resolve))
  return uncaught.map(String)
}

/** What is printed on stderr, in place of what the logger should have said. */
async function toldInstead(during: () => Promise<unknown>): Promise<string[]> {
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
  await during()
  const said = emit.mock.calls.map(([message]) => String(message))
  emit.mockRestore()
  return said
}

describe('what listeners and loggers throw', () => {
  test("in a 'state' listener is uncaught, but the drain goes on to its end", async () => {
    const { server, connections } = await attached({})
    const states: ServerState[] = []
    connections.on('state', ({ state }) => {
      states.push(state)
      throw new Error(`thrown on ${state}`)
    })
    const closed = deferred<unknown>()
    server.close(closed.resolve)
    expect(await within(closed.promise, () => 'the callback of close()')).toBeUndefined()
    expect(connections.state).toBe('drained')
    expect(server.listening).toBe(false)
    expect(states).toEqual(['leaving', 'draining', 'drained'])
    expect(await thrown()).toEqual(['leaving', 'draining', 'drained'].map((state) => `Error: thrown on ${state}`))
  })

  test("in a 'close' listener is uncaught, but every connection is counted", async () => {
    const { server, connections } = await attached({})
    connections.on('close', () => {
      throw new Error('thrown on close')
    })
    const port = portOf(server)
    for (let n = 0; n < 2; n++) {
      const answer = await fetch(`http://127.0.0.1:${port}`, { headers: { Connection: 'close' } })
      expect(await answer.text()).toBe('ok')
    }
    await within(connections.drain(), () => 'the drain')
    expect(connections.stats().connections).toMatchObject({ opened: 2, closed: 2 })
    expect(await thrown()).toEqual(['Error: thrown on close', 'Error: thrown on close'])
  })

  test('in a logger is a warning with what it was to say, and the server listens, drains and closes', async () => {
    const logger = {
      info: () => {
        throw new Error('the logger is closed')
      },
      warn: () => {},
    }
    const said = await toldInstead(async () => {
      const { server, connections } = await attached({ logger })
      expect(server.listening).toBe(true)
      const { clean } = await within(connections.drain(), () => 'the drain')
      expect([clean, connections.state]).toEqual([true, 'drained'])
    })
    // One line when it listens, one when it has drained.
    expect(said).toEqual([
      expect.stringMatching(/the logger failed: Error: the logger is closed[\s\S]*It was to say: halfclose: listening on/),
      expect.stringMatching(/the logger failed: Error: the logger is closed[\s\S]*It was to say: halfclose: drained/),
    ])
    expect(await thrown()).toEqual([])
  })

  test('in logger.warn is a warning, and does not break off what warned', async () => {
    const logger = {
      info: () => {},
      warn: () => {
        throw new Error('from the logger')
      },
    }
    const said = await toldInstead(async () => {
      const { connections } = await attached({ logger, keepAlive: { timeout: 65 } })
      await within(connections.drain(), () => 'the drain')
    })
    expect(said).toEqual([expect.stringContaining('the logger failed: Error: from the logger')])
    expect(await thrown()).toEqual([])
  })

  test('in the destroy of a stream that is not ours is uncaught, but the drain ends, and with it the connections that are', async () => {
    const drain = { delay: 0, deadline: 3_000 }
    const { server, connections } = await attached({ keepAlive: { timeout: 1_000, hold: 30_000 }, drain })
    const foreign = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
    foreign.destroy = () => {
      throw new Error('not to be destroyed')
    }
    server.emit('connection', foreign)
    foreign.push('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const port = portOf(server)
    const client = await Client.open({ port })
    await client.ask('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await within(connections.drain(), () => 'the drain')
    expect(await client.closed()).toBe('fin')
    expect(new Set(await thrown())).toEqual(new Set(['Error: not to be destroyed']))
  })
})

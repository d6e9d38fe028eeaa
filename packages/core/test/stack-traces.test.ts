import { createServer, type ServerResponse } from 'node:http'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { until } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'

const { listen, connect } = endedAfterEach()

test.each([
  ['returns no text', (_error: Error, frames: unknown) => frames],
  [
    'throws',
    () => {
      throw new Error('not today')
    },
  ],
])(
  'an Error.prepareStackTrace of the application that %s breaks no call of socket.destroy() in a drain',
  async (_what, prepare) => {
    const held: ServerResponse[] = []
    const server = createServer((_req, res) => void held.push(res))
    const connections = attach(server, { logger: quiet })
    const client = await connect(await listen(server))
    await client.send(get('/held'))
    await until('the request', () => held.length === 1)
    const drained = connections.drain()
    const before = Error.prepareStackTrace
    let thrown: unknown
    try {
      Error.prepareStackTrace = prepare
      held[0]?.socket?.destroy()
    } catch (error) {
      thrown = error
    } finally {
      Error.prepareStackTrace = before
    }
    expect(thrown).toBeUndefined()
    expect((await drained).requests.cut).toBe(1)
  },
)

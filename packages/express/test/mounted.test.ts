import { halfclose } from '@halfclose/express'
import { get } from '../../../test/support/requests.js'
import { until } from '../../../test/support/wait.js'
import { connect, disconnectAll, listening, load, patient, versions } from './apps.js'

afterEach(disconnectAll)

// Express cuts the path that a router is mounted on out of `req.url`, while the router's handler runs.
test.each(versions)(
  '%s: a request that a mounted handler holds is named by its whole path, and whether its response has begun',
  async (version) => {
    const app = (await load(version))()
    const connections = halfclose(app, { ...patient, drain: { deadline: 300 } })
    app.use('/graphql', (_req, res) => res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write(': 1\n\n'))
    app.use('/held', () => {})
    const server = await listening(app.listen(0, '127.0.0.1'))
    const [stream, held] = [await connect(server), await connect(server)]
    await stream.send(get('/graphql?query=secret'))
    await held.send(get('/held'))
    await until('both', () => connections.list({ state: 'busy' }).length === 2)
    const { heldBy } = await connections.drain()
    expect(heldBy.map(({ path, waitsFor }) => [path, waitsFor]).sort()).toEqual([
      ['/graphql', 'the handler, whose response has begun'],
      ['/held', 'the handler'],
    ])
  },
)

test.each(versions)('%s: HALFCLOSE_CONTENT_LENGTH names the whole path', async (version) => {
  const app = (await load(version))()
  const connections = halfclose(app, patient)
  const warnings: string[] = []
  connections.on('warning', ({ message }) => warnings.push(message))
  app.use('/files', (_req, res) => res.writeHead(200, { 'Content-Length': 5 }).end('x'))
  const client = await connect(await listening(app.listen(0, '127.0.0.1')))
  await client.send(get('/files/a?b'))
  await until('the warning', () => warnings.length > 0)
  expect(warnings).toEqual([expect.stringContaining('the response to GET /files/a is shorter')])
  await connections.drain()
})

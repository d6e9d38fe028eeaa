import { halfclose } from '@halfclose/express'
import { get } from '../../../test/support/requests.js'
import { connect, disconnectAll, listening, load, patient, versions } from './apps.js'

afterEach(disconnectAll)

describe.each(versions)('limits on %s', (version) => {
  it('lets a readiness probe through a flood, and nothing else', async () => {
    const app = (await load(version))()
    app.get('/', (_req, res) => void res.json({ hello: 'world' }))
    const connections = halfclose(app, { ...patient, readiness: '/ready', limits: { connections: 1 }, drain: { delay: 0 } })
    const server = await listening(app.listen(0, '127.0.0.1'))
    const kept = await connect(server)
    expect((await kept.ask(get('/'))).status).toBe(200)

    const probe = await connect(server)
    expect((await probe.ask(get('/ready'))).status).toBe(200)
    expect(probe.last.closes).toBe(true)
    const excess = await connect(server)
    expect((await excess.ask(get('/'))).status).toBe(503)
    expect(connections.stats().connections.refused).toBe(2)
    expect((await kept.ask(get('/'))).status).toBe(200)
    await connections.drain({ fast: true })
  })
})

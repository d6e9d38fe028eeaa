import { halfclose } from '@halfclose/express'
import * as client from 'prom-client'
import { get } from '../../../test/support/requests.js'
import { until, within } from '../../../test/support/wait.js'
import { connect, disconnectAll, listening, load, versions } from './apps.js'

afterEach(disconnectAll)

describe.each(versions)('the option metrics on %s', (version) => {
  it('registers the metrics of all servers of the application', async () => {
    const register = new client.Registry()
    const app = (await load(version))()
    const connections = halfclose(app, { drain: 'fast', metrics: { client, registers: [register] } })
    app.get('/', (_req, res) => void res.json({}))
    const servers = [await listening(app.listen(0, '127.0.0.1')), await listening(app.listen(0, '127.0.0.1'))]
    for (const server of servers) await (await connect(server)).ask(get('/', 'Connection: close'))
    await until('both to have ended', () => connections.stats().connections.closed === 2)
    const text = await register.metrics()
    expect(text).toContain('halfclose_connections_opened_total 2')
    expect(text).toContain('halfclose_connections_closed_total{reason="client-close",first="server",in_flight="false"} 2')
    await within(connections.drain(), () => 'the drain')
    // The next application of a process, as tests make them: this one has drained.
    const next = halfclose((await load(version))(), { drain: 'fast', metrics: { client, registers: [register] } })
    expect(await register.metrics()).toContain('halfclose_connections_opened_total 0')
    await within(next.drain(), () => 'the drain')
  })

  it.each([true, {}, { client: {} }, { meter: 1 }, 'prometheus'])('refuses %j', async (metrics: unknown) => {
    const app = (await load(version))()
    expect(() => Reflect.apply(halfclose, undefined, [app, { metrics }])).toThrow(
      expect.objectContaining({ code: 'HALFCLOSE_OPTION_TYPE', path: 'metrics' }),
    )
  })
})

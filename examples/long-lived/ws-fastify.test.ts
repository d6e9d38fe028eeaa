import { ask } from '../../test/support/requests.js'
import { Cast } from './testing/cast.js'
import { isCutAtTheDeadline, talking } from './testing/websockets.js'

describe('examples/long-lived/ws-fastify, at SIGTERM in the middle of an exchange', () => {
  const cast = new Cast()
  afterEach(() => cast.disband())

  it('says 1001 when the drain begins, and exits with 0 once the requests are answered', async () => {
    const { example, port } = await cast.start('ws-fastify.mjs')
    const polite = await talking(cast, port, '/socket')
    const inFlight = await cast.connect(port)
    void inFlight.send(`${ask('POST', '/echo', 'Content-Type: text/plain', 'Content-Length: 4')}ha`)
    await example.line(/"url":"\/echo"/)

    example.terminate()
    expect(await polite.goodbye()).toEqual({ code: 1001, reason: 'restarting' })
    void inFlight.send('lf')
    expect(await inFlight.next()).toMatchObject({ status: 200, closes: true, text: 'half' })
    expect(await inFlight.closed()).toBe('fin')
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })

  it('cuts at the deadline who does not answer the close', async () => {
    const running = await cast.start('ws-fastify.mjs', { DRAIN_DEADLINE: '3000' })
    await isCutAtTheDeadline(running, cast, '/socket', 3_000)
  })
})

import { get } from '../../test/support/requests.js'
import { Cast } from './testing/cast.js'
import { upgrade } from './testing/frames.js'
import { isCutAtTheDeadline, talking } from './testing/websockets.js'

describe('examples/long-lived/ws-http, at SIGTERM in the middle of an exchange', () => {
  const cast = new Cast()
  afterEach(() => cast.disband())

  it('says 1001 when the drain begins, lets nobody new in, and exits with 0 once the requests are answered', async () => {
    const { example, port } = await cast.start('ws-http.mjs')
    const polite = await talking(cast, port, '/')
    const [kept, inFlight] = [await cast.connect(port), await cast.connect(port)]
    expect(await kept.ask(get('/'))).toMatchObject({ status: 200, closes: false })
    const request = get('/')
    await inFlight.send(request.slice(0, 20))

    example.terminate()
    expect(await polite.goodbye()).toEqual({ code: 1001, reason: 'restarting' })
    const refused = await kept.ask(upgrade('/'))
    expect(refused).toMatchObject({ status: 503, closes: true })
    expect(refused.header('retry-after')).toBe('1')
    expect(await kept.closed()).toBe('fin')

    void inFlight.send(request.slice(20))
    expect(await inFlight.next()).toMatchObject({ status: 200, closes: true, text: 'hello\n' })
    expect(await inFlight.closed()).toBe('fin')
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })

  it('cuts at the deadline who does not answer the close, and names it', async () => {
    const running = await cast.start('ws-http.mjs', { DRAIN_DEADLINE: '3000' })
    await isCutAtTheDeadline(running, cast, '/chat?token=secret', 3_000)
    expect(running.example.lines.join('\n')).toMatch(/^ {2}upgraded GET \/chat for [\d.]+ s, 127\.0\.0\.1:\d+: websocket$/m)
  })
})

import { get } from '../../test/support/requests.js'
import { within } from '../../test/support/wait.js'
import { Cast } from './testing/cast.js'

const message = '{"text":"hello"}'
const publish = `POST /messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${message.length}\r\n\r\n${message}`

describe('examples/long-lived/long-poll, at SIGTERM in the middle of an exchange', () => {
  const cast = new Cast()
  afterEach(() => cast.disband())

  it('goes on while leaving, then answers every poll at once, with nothing; exit code 0', async () => {
    const { example, port } = await cast.start('long-poll.mjs', { DRAIN_DELAY: '3000' })
    const [told, waits, kept] = [await cast.connect(port), await cast.connect(port), await cast.connect(port)]
    const waiting = (n: number) => within(example.line(new RegExp(`polls waiting: ${n}$`)), () => example.lines.join('\n'))
    void told.send(get('/messages'))
    await waiting(1)

    expect((await kept.ask(get('/ready'))).header('keep-alive')).toBe('timeout=5')

    example.terminate()
    await cast.leaving(port)
    expect((await cast.ask(port, publish)).status).toBe(202)
    expect(await told.next()).toMatchObject({ status: 200, text: `[${message}]` })

    void waits.send(get('/messages'))
    const nothing = await waits.next()
    expect(nothing).toMatchObject({ status: 200, closes: true, text: '[]' })
    expect(await waits.closed()).toBe('fin')

    // Promised, and too late to wait.
    expect(await kept.ask(get('/messages'))).toMatchObject({ status: 200, closes: true, text: '[]' })
    expect(await kept.closed()).toBe('fin')
    expect(await told.closed(20_000)).toBe('fin')
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })

  it('forgets the poll of a client that leaves', async () => {
    const { example, port } = await cast.start('long-poll.mjs', { DRAIN_DELAY: '0' })
    const client = await cast.connect(port)
    void client.send(get('/messages'))
    await within(example.line(/polls waiting: 1$/), () => example.lines.join('\n'))
    client.reset()
    await within(example.line(/polls waiting: 0$/), () => example.lines.join('\n'))

    example.terminate()
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })
})

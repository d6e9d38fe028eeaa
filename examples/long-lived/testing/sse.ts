import { EventSource } from 'undici'
import { get } from '../../../test/support/requests.js'
import { Arrivals, until, within } from '../../../test/support/wait.js'
import { Cast } from './cast.js'

const LEAVING = /^event: leaving\nretry: (\d+)\ndata: \{"left":(\d+)\}\n\n$/m

/** What an event stream must do when SIGTERM comes. */
export function itEndsItsStreams(file: string): void {
  const cast = new Cast()
  afterEach(() => cast.disband())

  it('goes on while leaving, then ends itself: a last event, the last chunk, FIN, exit code 0', async () => {
    const { example, port } = await cast.start(file, { DRAIN_DELAY: '1500' })
    const client = await cast.connect(port)
    void client.send(get('/events'))
    const stream = await client.head(0)
    expect(stream.status).toBe(200)
    expect(stream.header('content-type')).toContain('text/event-stream')
    expect(stream.header('transfer-encoding')).toBe('chunked')
    expect(stream.closes).toBe(true)
    await until('an event that knows of no end', () => stream.text.includes('event: tick\nid: 1\ndata: {"left":null}\n\n'))
    const kept = await cast.connect(port)
    expect((await kept.ask(get('/'))).header('keep-alive')).toBe('timeout=5')

    example.terminate()
    await until('an event that knows how long is left', () => /event: tick\nid: \d+\ndata: \{"left":\d+\}/.test(stream.text))
    expect(stream.complete).toBe(false)

    expect(await client.next()).toBe(stream)
    const [, retry, left] = LEAVING.exec(stream.text) ?? []
    expect(Number(retry)).toBeGreaterThanOrEqual(500)
    expect(Number(left)).toBeLessThanOrEqual(20_000 - 1_500)
    expect(Number(left)).toBeGreaterThan(0)
    expect(await client.closed()).toBe('fin')

    const late = await kept.ask(get('/events', 'Last-Event-ID: 7'))
    expect(late).toMatchObject({ status: 200, closes: true, complete: true })
    expect(late.text).toMatch(LEAVING)
    expect(await kept.closed()).toBe('fin')

    expect(await example.exit).toEqual({ code: 0, signal: null })
  })

  it('cleans up after a client that leaves', async () => {
    const { example, port } = await cast.start(file, { DRAIN_DELAY: '0' })
    const client = await cast.connect(port)
    void client.send(get('/events'))
    const stream = await client.head(0)
    await until('the first event', () => stream.text.includes('id: 1\n'))
    expect(example.lines.join('\n')).not.toContain('stream closed')

    client.destroy()
    await within(example.line(/stream closed/), () => `'stream closed' in\n${example.lines.join('\n')}`)

    example.terminate()
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })

  it('sends an EventSource to another process, where it goes on with the next event', async () => {
    const [one, other] = await Promise.all([cast.start(file, { DRAIN_DELAY: '0' }), cast.start(file, { DRAIN_DELAY: '0' })])
    const balancer = await cast.relay(one.port)
    const source = new EventSource(`http://127.0.0.1:${balancer.port}/events`)
    cast.also(() => source.close())
    const ids = new Arrivals<number>()
    source.addEventListener('tick', (event) => {
      if ('lastEventId' in event) ids.push(Number(event.lastEventId))
    })
    const leaving = new Promise((resolve) => source.addEventListener('leaving', resolve))
    await within(ids.at(1), () => 'the second event')

    balancer.to = other.port
    one.example.terminate()
    await within(leaving, () => 'the last event')
    expect(await one.example.exit).toEqual({ code: 0, signal: null })
    const soFar = ids.list.length
    await within(ids.at(soFar + 1), () => 'two events of the other process')
    expect(ids.list).toEqual(ids.list.map((_id, index) => index + 1))

    other.example.terminate()
    expect(await other.example.exit).toEqual({ code: 0, signal: null })
  })
}

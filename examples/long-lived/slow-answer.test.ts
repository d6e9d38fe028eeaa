import { ask, get } from '../../test/support/requests.js'
import { Cast } from './testing/cast.js'

describe('examples/long-lived/slow-answer, at SIGTERM in the middle of an exchange', () => {
  const cast = new Cast()
  afterEach(() => cast.disband())

  it('answers before the deadline with what it has, and begins nothing long; exit code 0', async () => {
    const { example, port } = await cast.start('slow-answer.mjs', { DRAIN_DELAY: '3000', DRAIN_DEADLINE: '7000' })
    const begin = ask('POST', '/exports', 'Content-Length: 0', 'Connection: close')
    expect((await cast.ask(port, begin)).status).toBe(202)
    const searching = await cast.connect(port)
    void searching.send(get('/search'))
    await example.line(/^searching$/)

    example.terminate()
    await cast.leaving(port)
    const refused = await cast.ask(port, begin)
    expect(refused.status).toBe(503)
    expect(refused.header('retry-after')).toBe('1')

    const answer = await searching.next(20_000)
    expect(answer).toMatchObject({ status: 200, closes: true })
    expect(answer.text).toMatch(/^\{"found":\["result 1",.*\],"complete":false\}$/)
    expect(await searching.closed()).toBe('fin')
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })
})

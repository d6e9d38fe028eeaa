import { versions } from './apps.js'
import { Child, type Setup } from './child.js'

// Both adapters: what they share is one coordinator. The children use what was built: `npm run build` first.
const hosts = [...versions, 'express', 'express-4'] as const

let child: Child

const start = (...setups: Setup[]): Child => {
  child = new Child(setups)
  return child
}

afterEach(() => child.dispose())

describe.each(versions)('signals: true on %s behind a server of other code', (host) => {
  it.each(['routing', 'emit'] as const)('answers what is in flight, by way of %s, and names the server', async (wrapper) => {
    start({ host, wrapper })
    const client = await child.inFlight(0)
    child.kill('SIGTERM')
    await child.line(/^state 0 draining/)
    child.command('answer', 0)
    // The connection is older than the policy, so that its answer says nothing of the close.
    expect(await client.next()).toMatchObject({ status: 200, text: 'held' })
    expect(await client.closed()).toBe('fin')
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines.join('\n')).toContain('HALFCLOSE_SERVER_NOT_GOVERNED')
    expect(child.lines).toContainEqual(expect.stringMatching(/^closed 0 drained/))
  })
})

describe.each(hosts)('signals: true on %s', (host) => {
  it.each([
    ['SIGTERM', () => child.kill('SIGTERM')],
    ['SIGINT without a terminal', () => child.kill('SIGINT')],
    ["PM2's message", () => child.message('shutdown')],
  ])('answers what is in flight on %s, closes the application, and exits with 0', async (_how, tell) => {
    start({ host })
    const client = await child.inFlight(0)
    tell()
    await child.line(/^state 0 draining/)
    expect(child.running).toBe(true)
    child.command('answer', 0)
    expect(await client.next()).toMatchObject({ status: 200, text: 'held', closes: true })
    expect(await client.closed()).toBe('fin')
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines).toContainEqual(expect.stringMatching(/^closed 0 drained/))
  })

  it('exits with 1 when something was cut', async () => {
    start({ host, options: { drain: { deadline: 300 } } })
    const client = await child.inFlight(0)
    child.kill('SIGTERM')
    await client.closed()
    expect(await child.exited()).toEqual({ code: 1, signal: null })
    expect(child.lines).toContainEqual(expect.stringMatching(/^closed 0 drained/))
  })

  it('exits with 1 when closing fails, and says why', async () => {
    start({ host, closing: 'fails' })
    await child.ports()
    child.kill('SIGTERM')
    expect(await child.exited()).toEqual({ code: 1, signal: null })
    expect(child.lines.join('\n')).toContain('Error: the pool would not close')
  })

  it("keeps the application's own exit code", async () => {
    start({ host })
    await child.ports()
    child.command('exitCode', 7)
    child.command('listeners')
    await child.line(/^listeners/)
    child.kill('SIGTERM')
    expect(await child.exited()).toEqual({ code: 7, signal: null })
  })

  it('is ended at once by a second signal, and says so', async () => {
    start({ host })
    const client = await child.inFlight(0)
    child.kill('SIGTERM')
    await child.line(/^state 0 draining/)
    // Another one: the same within 250 ms would be one that npm forwards.
    child.kill('SIGINT')
    expect(await child.exited()).toEqual({ code: 130, signal: null })
    expect(await client.closed()).toBeDefined()
    expect(child.lines).toContainEqual(
      expect.stringMatching(
        /ended by a second signal \(SIGINT\) while it drained, \d+ ms after SIGTERM\. \w+: 1 \w+ open, \d+ ms before its deadline/,
      ),
    )
  })

  it("says so when somebody else's timer ends it", async () => {
    start({ host })
    await child.inFlight(0)
    child.kill('SIGTERM')
    await child.line(/^state 0 draining/)
    child.command('exit', 0)
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines).toContainEqual(
      expect.stringMatching(/ended by other code .* while it drained, \d+ ms after SIGTERM\. \w+: 1 \w+ open/),
    )
  })

  it('listens to nothing else, and to nothing at all once the application has closed by itself', async () => {
    start({ host })
    await child.ports()
    child.command('listeners')
    const [, listeners] = await child.line(/^listeners (.*)/)
    // Two for 'message': the test's own, too.
    expect(listeners).toMatch(/\bSIGINT:1\b.*\bSIGTERM:1\b.*\bmessage:2\b/)
    expect(listeners).not.toMatch(/uncaught|unhandled|beforeExit|SIGHUP|SIGUSR/)
    child.command('close', 0)
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines).toContainEqual('closed by itself 0')
  })

  it('leaves signals alone without the option', async () => {
    start({ host, options: { signals: false } })
    await child.ports()
    child.kill('SIGTERM')
    expect(await child.exited()).toEqual({ code: null, signal: 'SIGTERM' })
  })
})

describe.each(versions)('signals: true and `close` on %s, a part of another application', (host) => {
  it.each([
    ['SIGTERM', () => child.kill('SIGTERM')],
    ["PM2's message", () => child.message('shutdown')],
  ])('answers what is in flight on %s, and only then closes the other application, which closes Fastify', async (_how, tell) => {
    start({ host, outer: 'closes' })
    const client = await child.inFlight(0)
    tell()
    await child.line(/^state 0 draining/)
    child.command('answer', 0)
    expect(await client.next()).toMatchObject({ status: 200, text: 'held', closes: true })
    expect(await client.closed()).toBe('fin')
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines.slice(child.lines.indexOf('state 0 draining'))).toEqual([
      'state 0 draining',
      'state 0 drained',
      'outer 0 closes, drained',
      'closed 0 drained',
      'outer 0 closed',
    ])
  })

  it('closes it while what speaks another protocol is still open, so that it can end that', async () => {
    start({ host, outer: 'closes' })
    const client = await child.connect(0)
    void client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    expect((await client.next()).status).toBe(101)
    child.kill('SIGTERM')
    await child.line(/^outer 0 closes, draining/)
    expect(await client.closed()).toBe('fin')
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines).toContain('outer 0 closed')
  })

  it('closes it where something was cut, too, and exits with 1', async () => {
    start({ host, outer: 'closes', options: { drain: { deadline: 300 } } })
    const client = await child.inFlight(0)
    child.kill('SIGTERM')
    await client.closed()
    expect(await child.exited()).toEqual({ code: 1, signal: null })
    expect(child.lines.slice(-3)).toEqual(['outer 0 closes, drained', 'closed 0 drained', 'outer 0 closed'])
  })

  it.each(['fails', 'throws'] as const)('exits with 1 when closing it %s, and says why', async (outer) => {
    start({ host, outer })
    const client = await child.inFlight(0)
    child.kill('SIGTERM')
    await child.line(/^state 0 draining/)
    child.command('answer', 0)
    expect(await client.next()).toMatchObject({ status: 200, text: 'held', closes: true })
    expect(await child.exited()).toEqual({ code: 1, signal: null })
    expect(child.lines.join('\n')).toMatch(/HALFCLOSE_CLOSE_FAILED.*fastify did not close: Error: the pool would not close/)
  })

  it('lets connections be open until the deadline where closing it throws', async () => {
    start({ host, outer: 'throws', options: { drain: { deadline: 500 } } })
    const client = await child.connect(0)
    void client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
    expect((await client.next()).status).toBe(101)
    child.kill('SIGTERM')
    expect(await child.exited()).toEqual({ code: 1, signal: null })
    expect(child.lines).toContain('state 0 drained')
    expect(child.lines.join('\n')).toMatch(/HALFCLOSE_CLOSE_FAILED.*fastify did not close: Error: the pool would not close/)
  })

  it('does not wait for Fastify where the other application forgets it', async () => {
    start({ host, outer: 'forgets' })
    await child.ports()
    child.kill('SIGTERM')
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines).toContain('outer 0 closed')
  })
})

describe('two applications in one process', () => {
  it.each<[string, Setup, Setup]>([
    ['Fastify and Express', { host: 'fastify' }, { host: 'express' }],
    ['Fastify 4 and Fastify 5', { host: 'fastify-4' }, { host: 'fastify' }],
    ['Express from its ESM and from its CommonJS build', { host: 'express' }, { host: 'express-4', copy: 'cjs' }],
  ])('do not cut each other off: %s', async (_what, first, second) => {
    start(first, second)
    const clients = [await child.inFlight(0), await child.inFlight(1)]
    child.kill('SIGTERM')
    await Promise.all([child.line(/^state 0 draining/), child.line(/^state 1 draining/)])

    child.command('answer', 0)
    expect(await clients[0]!.next()).toMatchObject({ status: 200, text: 'held', closes: true })
    await child.line(/^closed 0 drained/)
    expect(child.running).toBe(true)
    expect(clients[1]!.ending).toBeUndefined()

    child.command('answer', 1)
    expect(await clients[1]!.next()).toMatchObject({ status: 200, text: 'held', closes: true })
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines).toContainEqual(expect.stringMatching(/^closed 1 drained/))
  })

  it('exit with 1 when one of them was cut, after the other has finished', async () => {
    start({ host: 'express', options: { drain: { deadline: 200 } } }, { host: 'fastify' })
    const [cut, whole] = [await child.inFlight(0), await child.inFlight(1)]
    child.kill('SIGTERM')
    await cut.closed()
    await child.line(/^closed 0 drained/)
    child.command('answer', 1)
    expect(await whole.next()).toMatchObject({ status: 200, closes: true })
    expect(await child.exited()).toEqual({ code: 1, signal: null })
  })

  it('leave with the one that is still there', async () => {
    start({ host: 'fastify' }, { host: 'fastify' })
    await child.ports()
    child.command('close', 0)
    await child.line(/^closed by itself 0/)
    child.kill('SIGTERM')
    expect(await child.exited()).toEqual({ code: 0, signal: null })
    expect(child.lines).toContainEqual('closed 1 drained')
  })
})

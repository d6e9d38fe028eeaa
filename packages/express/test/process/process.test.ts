import path from 'node:path'
import { Program } from '../../../../examples/testing/child.js'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { within } from '../../../../test/support/wait.js'

// Processes in which bare Express answers what is open, if it is closed at SIGTERM; halfclose has to find out that it is in charge. The
// children use what was built: `npm run build` first.

let program: Program
const clients: Client[] = []

afterEach(() => {
  program.kill()
  for (const client of clients.splice(0)) client.destroy()
})

/** Starts a scene of app.mjs; resolves with a client of it once it listens. */
async function start(scene: string): Promise<Client> {
  program = new Program(process.execPath, [path.join(__dirname, 'app.mjs'), scene], { NODE_ENV: 'production' })
  const [, port] = await within(program.line(/^listening (\d+)/), () => said('it listens'), 20_000)
  const client = await Client.open({ port: Number(port) })
  clients.push(client)
  return client
}

const said = (what: string): string => `${what}; it said\n${program.lines.join('\n')}`
// A deadline of 100 ms may be meant.
const codes = (): string[] =>
  program.lines.flatMap((line) => /^warning (HALFCLOSE_(?!OPTION_SECONDS)\w+)/.exec(line)?.slice(1) ?? [])
const exited = () => within(program.exit, () => said('it ends'), 15_000)

async function stopAmid(client: Client): Promise<void> {
  void client.send(get('/held'))
  await within(program.line(/^arrived/), () => said('the request arrives'))
  program.terminate()
}

describe('SIGTERM, with a request open', () => {
  it.each([
    ['the application is registered after it listens', []],
    ['the application is registered while its server is about to listen', []],
    ['the application is registered after it listens, behind a function', ['HALFCLOSE_SERVER_NOT_GOVERNED']],
    ['a server that never listens was attached', []],
    ['a server that never listens was not attached', ['HALFCLOSE_SERVER_NOT_GOVERNED']],
    ['the core governs the server, since before the application was registered', []],
    ['the core governs the server, since after the application was registered', ['HALFCLOSE_GOVERNED_ELSEWHERE']],
    ['a worker thread has the application', []],
    ['a worker thread has the application, beside one of the main thread', []],
    ['a worker thread came first, and the main thread has an application too', []],
  ])('where %s: the request is answered, the exit code is 0, and what is not as it should be is said', async (scene, warned) => {
    const client = await start(scene)
    await stopAmid(client)
    expect(await client.next()).toMatchObject({ status: 200, text: 'held' })
    expect(await exited()).toEqual({ code: 0, signal: null })
    expect(codes()).toEqual(warned)
    if (scene.startsWith('a worker thread has'))
      expect(program.lines).toContain('the application\'s own message: {"hello":"main"}')
    if (scene.includes('since after')) expect(program.lines).toContain('onDrained SIGTERM')
  })

  it.each([
    ['a worker thread cuts a request', 1, ['HALFCLOSE_DRAIN_CUT']],
    ['a worker thread ends amid its drain', 1, ['HALFCLOSE_OTHER_LISTENERS']],
  ])('where %s: the exit code is %d', async (scene, code, warned) => {
    const client = await start(scene)
    await stopAmid(client)
    await client.closed()
    expect(await exited()).toEqual({ code, signal: null })
    expect(codes()).toEqual(warned)
  })

  it('where a worker thread has an exit code of its own: it is the process’s', async () => {
    const client = await start('a worker thread has an exit code of its own')
    await stopAmid(client)
    expect(await client.next()).toMatchObject({ status: 200, text: 'held' })
    expect(await exited()).toEqual({ code: 7, signal: null })
  })

  it('where a worker thread has the application: a second signal ends it at once', async () => {
    await stopAmid(await start('a worker thread has the application'))
    await within(program.line(/^state draining/), () => said('it drains'))
    program.signal('SIGINT')
    expect(await exited()).toEqual({ code: 130, signal: null })
  })

  it('where onDrained never settles: that is said, and a second signal ends it with the exit code 1', async () => {
    const client = await start('onDrained never settles')
    await stopAmid(client)
    expect(await client.next()).toMatchObject({ status: 200, text: 'held' })
    await within(program.line(/^warning HALFCLOSE_CLOSE_PENDING/), () => said('it says what it waits for'), 20_000)
    program.terminate()
    expect(await exited()).toEqual({ code: 1, signal: null })
    expect(program.lines.join('\n')).toMatch(
      /ended by a second signal \(SIGTERM\) after the drain.*nothing open, waiting for `onDrained`/,
    )
  })
})

import path from 'node:path'
import { Program } from '../../../../examples/testing/child.js'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { pass, within } from '../../../../test/support/wait.js'

// The application is not alone in its process, or what it brings fails: nothing of the others is lost when it has left. The children use
// what was built: `npm run build` first.

const REGISTERED = { NODE_OPTIONS: '--import @halfclose/core/register' }

/** A process with its client. They run at the same time: each mostly waits. */
class Scene {
  readonly program: Program
  #client: Client | undefined

  constructor(scene: string, env: Record<string, string>) {
    const all = { NODE_ENV: 'production', ...env }
    this.program = new Program(process.execPath, [path.join(__dirname, 'beside.mjs'), scene], all)
  }

  said(what: string): string {
    return `${what}; it said\n${this.program.lines.join('\n')}`
  }

  get codes(): string[] {
    return this.program.lines.flatMap((line) => /^warning (HALFCLOSE_(?!OPTION_SECONDS)\w+)/.exec(line)?.slice(1) ?? [])
  }

  exited() {
    return within(this.program.exit, () => this.said('it ends'), 30_000)
  }

  async client(): Promise<Client> {
    const [, port] = await within(this.program.line(/^listening (\d+)/), () => this.said('it listens'), 20_000)
    this.#client = await Client.open({ port: Number(port) })
    return this.#client
  }

  /** SIGTERM while a request is open that takes `ms`. */
  async stopAmid(asking: Client, ms: number): Promise<void> {
    void asking.send(get(`/held?ms=${ms}`))
    await within(this.program.line(/^arrived/), () => this.said('the request arrives'))
    this.program.terminate()
  }

  end(): void {
    this.program.kill()
    this.#client?.destroy()
  }
}

const scenes: Scene[] = []

afterAll(() => {
  for (const scene of scenes) scene.end()
})

async function start(name: string, env: Record<string, string> = {}): Promise<{ scene: Scene; asking: Client }> {
  const scene = new Scene(name, env)
  scenes.push(scene)
  return { scene, asking: await scene.client() }
}

it.concurrent.each([
  // A logger that fails is told of where warnings go, with what it was to say.
  ['the logger fails', 300, ['HALFCLOSE_UNEXPECTED_ERROR']],
  ['the logger fails later', 300, ['HALFCLOSE_UNEXPECTED_ERROR']],
  ['it is registered, too, and the server was attached', 300, []],
  ['another server was attached', 300, []],
  // Longer than others have after the drain.
  [
    'another server was attached, and is drained by a listener of its own',
    5_500,
    ['HALFCLOSE_OTHER_LISTENERS', 'HALFCLOSE_DRAIN_HELD'],
  ],
  ['a Fastify application leaves signals alone', 300, []],
  ['the signal is sent twice, and the event loop blocks between', 1_000, []],
  ['a worker thread has the application, the signal is sent twice, and its event loop blocks between', 1_000, []],
  ['a worker thread has the application, and the main thread closes a server of its own', 1_500, ['HALFCLOSE_OTHER_LISTENERS']],
])('where %s: a request of %d ms is answered, and the exit code is 0', async (name, ms, warned) => {
  const { scene, asking } = await start(name, name.startsWith('it is registered') ? REGISTERED : {})
  await scene.stopAmid(asking, ms)
  expect(await within(asking.next(), () => scene.said('the answer'), 30_000)).toMatchObject({ status: 200, text: 'held' })
  expect(await scene.exited()).toEqual({ code: 0, signal: null })
  expect([...new Set(scene.codes)]).toEqual(warned)
})

it.concurrent.each([
  ['another server was attached, and cuts a request', ['HALFCLOSE_DRAIN_CUT']],
  ['a worker thread is terminated amid its drain', ['HALFCLOSE_OTHER_LISTENERS']],
  ['a worker thread exits amid its drain', []],
])('where %s: the exit code is 1', async (name, warned) => {
  const { scene, asking } = await start(name)
  await pass(500)
  await scene.stopAmid(asking, 5_000)
  await asking.closed()
  expect(await scene.exited()).toEqual({ code: 1, signal: null })
  expect(scene.codes).toEqual(warned)
})

it.concurrent('where a worker thread comes while another one leaves: it leaves as well', async () => {
  const { scene, asking } = await start('a worker thread comes while another one leaves')
  await pass(500)
  await scene.stopAmid(asking, 1_500)
  expect(await asking.next()).toMatchObject({ status: 200, text: 'held' })
  expect(await scene.exited()).toEqual({ code: 0, signal: null })
})

it.concurrent('where the logger fails, and readiness.check fails with what is no text: the probe gets its 503', async () => {
  const { scene, asking } = await start('the logger fails, and readiness.check fails with what is no text')
  expect(await asking.ask(get('/ready'))).toMatchObject({ status: 503 })
  expect([...new Set(scene.codes)]).toEqual(['HALFCLOSE_UNEXPECTED_ERROR'])
})

it.concurrent('where @halfclose/core/register governs the server, a function standing before the application: `onDrained` is called, and what does not reach it is said', async () => {
  const name = 'it is registered, too, and a function stands before the application'
  const { scene, asking } = await start(name, REGISTERED)
  await scene.stopAmid(asking, 300)
  expect(await asking.next()).toMatchObject({ status: 200, text: 'held' })
  expect(await scene.exited()).toEqual({ code: 0, signal: null })
  expect(scene.codes).toEqual(['HALFCLOSE_GOVERNED_ELSEWHERE'])
  expect(scene.program.lines.join('\n')).toMatch(/is governed by --import @halfclose\/core\/register, whose options govern it/)
  expect(scene.program.lines).toContain('onDrained SIGTERM')
})

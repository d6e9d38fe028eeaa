import path from 'node:path'
import { Program } from '../../../../examples/testing/child.js'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { pass, within } from '../../../../test/support/wait.js'

// The application is not alone in its process, or what it brings fails: nothing of the others is lost when it has left. The children use
// what was built: `npm run build` first.

const REGISTERED = { NODE_OPTIONS: '--import @halfclose/core/register' }

let program: Program
let client: Client | undefined

afterEach(() => {
  program.kill()
  client?.destroy()
})

const said = (what: string): string => `${what}; it said\n${program.lines.join('\n')}`
const codes = (): string[] =>
  program.lines.flatMap((line) => /^warning (HALFCLOSE_(?!OPTION_SECONDS)\w+)/.exec(line)?.slice(1) ?? [])
const exited = () => within(program.exit, () => said('it ends'), 30_000)

async function start(scene: string, env: Record<string, string> = {}): Promise<Client> {
  program = new Program(process.execPath, [path.join(__dirname, 'beside.mjs'), scene], {
    NODE_ENV: 'production',
    ...env,
  })
  const [, port] = await within(program.line(/^listening (\d+)/), () => said('it listens'), 20_000)
  client = await Client.open({ port: Number(port) })
  return client
}

/** SIGTERM while a request is open that takes `ms`. */
async function stopAmid(asking: Client, ms: number): Promise<void> {
  void asking.send(get(`/held?ms=${ms}`))
  await within(program.line(/^arrived/), () => said('the request arrives'))
  program.terminate()
}

it.each([
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
  ['a worker thread has the application, and the main thread closes a server of its own', 1_500, ['HALFCLOSE_OTHER_LISTENERS']],
])('where %s: a request of %d ms is answered, and the exit code is 0', async (scene, ms, warned) => {
  const asking = await start(scene, scene.startsWith('it is registered') ? REGISTERED : {})
  await stopAmid(asking, ms)
  expect(await within(asking.next(), () => said('the answer'), 30_000)).toMatchObject({ status: 200, text: 'held' })
  expect(await exited()).toEqual({ code: 0, signal: null })
  expect([...new Set(codes())]).toEqual(warned)
})

it.each([
  ['another server was attached, and cuts a request', ['HALFCLOSE_DRAIN_CUT']],
  ['a worker thread is terminated amid its drain', ['HALFCLOSE_OTHER_LISTENERS']],
  ['a worker thread exits amid its drain', []],
])('where %s: the exit code is 1', async (scene, warned) => {
  const asking = await start(scene)
  await pass(500)
  await stopAmid(asking, 5_000)
  await asking.closed()
  expect(await exited()).toEqual({ code: 1, signal: null })
  expect(codes()).toEqual(warned)
})

it('where a worker thread comes while another one leaves: it leaves as well', async () => {
  const asking = await start('a worker thread comes while another one leaves')
  await pass(500)
  await stopAmid(asking, 1_500)
  expect(await asking.next()).toMatchObject({ status: 200, text: 'held' })
  expect(await exited()).toEqual({ code: 0, signal: null })
})

it('where the logger fails, and readiness.check fails with what is no text: the probe gets its 503', async () => {
  const asking = await start('the logger fails, and readiness.check fails with what is no text')
  expect(await asking.ask(get('/ready'))).toMatchObject({ status: 503 })
  expect([...new Set(codes())]).toEqual(['HALFCLOSE_UNEXPECTED_ERROR'])
})

it('where @halfclose/core/register governs the server, a function standing before the application: `onDrained` is called, and what does not reach it is said', async () => {
  const scene = 'it is registered, too, and a function stands before the application'
  const asking = await start(scene, REGISTERED)
  await stopAmid(asking, 300)
  expect(await asking.next()).toMatchObject({ status: 200, text: 'held' })
  expect(await exited()).toEqual({ code: 0, signal: null })
  expect(codes()).toEqual(['HALFCLOSE_GOVERNED_ELSEWHERE'])
  expect(program.lines.join('\n')).toMatch(/is governed by --import @halfclose\/core\/register, whose options govern it/)
  expect(program.lines).toContain('onDrained SIGTERM')
})

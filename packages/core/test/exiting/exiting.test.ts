import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Client } from '../../../../test/support/client.js'
import { get10 } from '../../../../test/support/requests.js'
import { within } from '../../../../test/support/wait.js'

// The child uses what was built: `npm run build` first.
const APP = path.join(__dirname, 'app.mjs')

let child: ChildProcess

/** How the answer ends for its client when the process has ended amid it. */
async function ending(host: string, route: string): Promise<string> {
  child = spawn(process.execPath, [APP, host], { stdio: ['ignore', 'pipe', 'ignore'] })
  const exited = once(child, 'exit')
  if (child.stdout === null) throw new Error('no output')
  const [line] = await within(once(createInterface({ input: child.stdout }), 'line'), () => 'the service listening', 20_000)
  const client = await Client.open({ port: Number(String(line).split(' ')[1]), tls: host === 'https' })
  void client.send(get10(route))
  const ended = await client.closed(20_000)
  await within(exited, () => 'the exit of the service', 20_000)
  return `${client.heads.list[0]?.text}, ${ended}`
}

afterEach(() => void child.kill('SIGKILL'))

describe.each(['http', 'https'])('a process that ends amid a body which ends with its connection, over %s', (host) => {
  it.each([
    ['/exit', 'by process.exit()'],
    ['/throw', 'by an uncaught error'],
    ['/destroy', 'right after it has broken off the answer'],
    ['/close', 'right after closeAllConnections()'],
    ['/drain', "right after the drain's deadline"],
  ])('%s: %s, resets it: half of it does not look whole', async (route) => {
    expect(await ending(host, route)).toBe('half, reset')
  })

  it('ends a body with a FIN that is whole', async () => {
    expect(await ending(host, '/whole')).toBe('halfwhole, fin')
  })
})

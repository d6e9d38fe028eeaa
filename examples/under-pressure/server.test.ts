import { Client } from '../../test/support/client.js'
import { get } from '../../test/support/requests.js'
import { until } from '../../test/support/wait.js'
import { Example } from '../testing/child.js'
import { itKeepsItsPromises } from '../testing/sigterm.js'

describe('examples/under-pressure, at SIGTERM in the middle of an exchange', () => {
  itKeepsItsPromises(__dirname)
})

describe('examples/under-pressure', () => {
  let example: Example
  const clients: Client[] = []

  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
    example.kill()
  })

  async function open(port: number): Promise<Client> {
    const client = await Client.open({ port })
    clients.push(client)
    return client
  }

  it('short of memory, lets idle connections go, output first, and serves the request', async () => {
    example = new Example(__dirname, { MAX_HEAP: '1', DRAIN_DELAY: '0' })
    const port = Number((await example.line(/listening .*?(\d+)(?:"|$)/))[1])
    const idle = await open(port)
    expect((await idle.ask(get('/'))).status).toBe(200)
    const other = await open(port)
    // The heap is measured now and then.
    await until('the idle one is let go', async () => {
      expect(await other.ask(get('/'))).toMatchObject({ status: 200, text: '{"hello":"world"}' })
      return idle.ending !== undefined
    })
    expect(await idle.closed()).toBe('fin')
    await example.line(/"letGo":1/)
    example.terminate()
    expect(await example.exit).toEqual({ code: 0, signal: null })
  })
})

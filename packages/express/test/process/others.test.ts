import path from 'node:path'
import { Program } from '../../../../examples/testing/child.js'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { within } from '../../../../test/support/wait.js'

// The real packages, each with a short patience of its own. The children use what was built: `npm run build` first.

// They run at the same time: each mostly waits for the patience of its package.
const programs: Program[] = []
const clients: Client[] = []

afterAll(() => {
  for (const program of programs) program.kill()
  for (const client of clients) client.destroy()
})

const names = [
  'http-terminator',
  '@godaddy/terminus',
  'stoppable',
  'http-graceful-shutdown',
  'http-graceful-shutdown, which exits',
  'closeAllConnections()',
]

describe.each(['http', 'https'])('on %s', (protocol) => {
  it.concurrent.each(names)(
    'what %s cuts is counted, makes the exit code 1, and a warning says whose it was and what to do',
    async (name) => {
      const program = new Program(process.execPath, [path.join(__dirname, 'others.mjs'), name, protocol], {
        NODE_ENV: 'production',
      })
      programs.push(program)
      const said = (what: string): string => `${what}; it said\n${program.lines.join('\n')}`
      const [, port] = await within(program.line(/^listening (\d+)/), () => said('it listens'), 20_000)
      const client = await Client.open({ port: Number(port), tls: protocol === 'https' })
      clients.push(client)
      void client.send(get('/held'))
      await within(program.line(/^arrived/), () => said('the request arrives'))
      program.terminate()
      await client.closed()
      expect(await within(program.exit, () => said('it ends'), 20_000)).toEqual({ code: 1, signal: null })
      const lines = program.lines.join('\n')
      expect(lines).toContain('report clean false cut 1')
      expect(lines).toMatch(/warning HALFCLOSE_CLOSED_BY_OTHERS .* other code ends its connections.* take the other package away/)
    },
  )
})

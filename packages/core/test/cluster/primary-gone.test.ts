import path from 'node:path'
import { Program } from '../../../../examples/testing/child.js'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { until, within } from '../../../../test/support/wait.js'

// The child uses what was built: `npm run build` first.

test('where the primary of a cluster dies of the signal, Node ends its workers amid their drains: the line says so', async () => {
  const program = new Program(process.execPath, [path.join(__dirname, 'primary-gone.mjs')], { NODE_ENV: 'production' })
  const said = (what: string) => `${what}; it said\n${program.lines.join('\n')}`
  const [, port, worker] = await within(program.line(/^listening (\d+) (\d+)/), () => said('it listens'), 20_000)
  const client = await Client.open({ port: Number(port) })
  void client.send(get('/held'))
  await within(program.line(/^arrived/), () => said('the request arrives'))
  // As systemd does it: to every process of the service.
  process.kill(Number(worker), 'SIGTERM')
  await within(program.line(/^state draining/), () => said('it drains'), 20_000)
  program.terminate()
  await client.closed()
  // The worker writes it, whose output is that of the primary, which is gone by then.
  const line = () => program.lines.find((one) => one.startsWith('halfclose: ended by'))
  await until('it says how it was ended', () => line() !== undefined)
  expect(line()).toMatch(
    /ended by node:cluster \(the primary has gone.*\) while it drained, \d+ ms after SIGTERM\. express: 1 busy open/,
  )
})

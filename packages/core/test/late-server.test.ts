import { createServer, type ServerResponse } from 'node:http'
import type { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { Arrivals, until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'

// Servers that come under a policy while the servers that it has are leaving, or drain.

const opened = endedAfterEach()

async function open(port: number): Promise<Client> {
  return opened.connect(port)
}

function holding() {
  const held = new Arrivals<ServerResponse>()
  return { held, server: createServer((_req, res) => held.push(res)) }
}

test.each([
  ['leaving', 20_000],
  ['draining', 0],
])(
  'the request of a server that is attached while another one is %s is waited for, and counted in the report',
  async (state, delay) => {
    const first = holding()
    const second = holding()
    const ports = [await listening(first.server), await listening(second.server)]
    const connections = attach(first.server, { logger: quiet, drain: { delay: Math.min(delay, 200), deadline: 20_000 } })
    const one = await open(ports[0] ?? 0)
    await one.send(get('/one'))
    const held = await within(first.held.at(0), () => 'the first request')
    const drained = connections.drain()
    await until(state, () => connections.state === state)
    const other = await open(ports[1] ?? 0)
    await other.send(get('/other'))
    const late = await within(second.held.at(0), () => 'the request of the second server')
    connections.attach(second.server)
    await until('draining', () => connections.state === 'draining')
    held.end('one')
    await within(one.next(), () => 'the first answer')
    one.fin()
    // The first server has nothing left by then.
    await until('the first server is empty', () => connections.stats().requests.finished === 1)
    late.end('late')
    expect((await within(other.next(), () => 'the answer of the second server')).text).toBe('late')
    other.fin()
    const { requests, clean, connections: ended } = await within(drained, () => 'the drain')
    expect({ clean, closed: ended.closed, cut: requests.cut, done: requests.finished + requests.rescued }).toEqual({
      clean: true,
      closed: 2,
      cut: 0,
      done: 2,
    })
    expect(second.server.listening).toBe(false)
  },
)

test('a server that is attached while another one drains cuts at the same deadline, which makes the report unclean', async () => {
  const first = holding()
  const second = holding()
  const port = await listening(second.server)
  const at = await listening(first.server)
  const connections = attach(first.server, { logger: quiet, drain: { deadline: 400 }, linger: { quiet: 100 } })
  const one = await open(at)
  await one.send(get('/one'))
  const held = await within(first.held.at(0), () => 'the first request')
  const drained = connections.drain()
  const other = await open(port)
  await other.send(get('/other'))
  await within(second.held.at(0), () => 'the request of the second server')
  connections.attach(second.server)
  held.end('one')
  const { clean, requests, heldBy } = await within(drained, () => 'the drain')
  expect({ clean, cut: requests.cut, heldBy: heldBy.length }).toEqual({ clean: false, cut: 1, heldBy: 1 })
})

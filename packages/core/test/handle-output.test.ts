import { once } from 'node:events'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { inspect } from 'node:util'
import { attach, type CloseEvent } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'
import { inItsOrder } from '../src/events/logger.js'

// What people see of a handle: on their console, in lines and in events.

/** Notes how it is called. */
class Methods {
  readonly calls: unknown[][] = []
  info(...args: unknown[]): void {
    this.calls.push(['info', ...args])
  }
  warn(...args: unknown[]): void {
    this.calls.push(['warn', ...args])
  }
}

class ConsoleLike extends Methods {
  log(): void {}
}

class PinoLike extends ConsoleLike {
  bindings(): object {
    return {}
  }
}

test.each([
  ['a logger that prints what it is given', new ConsoleLike(), [['info', 'a'], ['warn', 'b', { code: 'C' }]]], // biome-ignore format: a row each
  ['pino', new PinoLike(), [['info', {}, 'a'], ['warn', { code: 'C' }, 'b']]], // biome-ignore format: a row each
  ['a small one', new Methods(), [['info', {}, 'a'], ['warn', { code: 'C' }, 'b']]], // biome-ignore format: a row each
])('%s gets the sentence and the object in its order', (_what, logger, calls) => {
  const called = inItsOrder(logger)
  called.info({}, 'a')
  called.warn({ code: 'C' }, 'b')
  expect(logger.calls).toEqual(calls)
})

test('the console prints what goes well as one sentence each', async () => {
  const info = jest.spyOn(console, 'info').mockImplementation(() => {})
  try {
    const server = createServer()
    const connections = attach(server, { logger: console, drain: 'fast' })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    await within(connections.drain(), () => 'the drain')
    expect(info.mock.calls).toEqual([
      [expect.stringContaining('halfclose: listening')],
      [expect.stringContaining('halfclose: drained')],
    ])
  } finally {
    info.mockRestore()
  }
})

test('console.log(connections) shows where it stands, and its counts', async () => {
  const server = createServer((_req, res) => res.end('x'))
  const connections = attach(server, { logger: quiet, drain: 'fast' })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const client = await Client.open({ port: portOf(server.address()) })
  await client.ask(get('/'))
  const shown = inspect(connections)
  expect(shown).toMatch(/^Connections \{\n {2}state: 'serving',\n {2}servers: 1,/)
  expect(shown).toContain('idle: 1')
  expect(shown).toContain('received: 1')
  expect(inspect({ connections }, { depth: 0 })).toContain('Connections')
  await within(connections.drain(), () => 'the drain')
  expect(inspect(connections)).toContain("state: 'drained'")
  client.destroy()
})

test('a client is named in the same words by events and by reports, on a path too', async () => {
  for (const where of [path.join(tmpdir(), `halfclose-${process.pid}.sock`), 0]) {
    const closes: CloseEvent[] = []
    const server = createServer((_req, res) => res.write('never whole'))
    const connections = attach(server, { logger: quiet, drain: { deadline: 100 }, linger: { quiet: 100 } })
    connections.on('close', (event) => closes.push(event))
    await once(server.listen(where), 'listening')
    const client = await Client.open({ port: typeof where === 'string' ? where : portOf(server.address()) })
    await client.send(get('/'))
    await once(server, 'request')
    const { heldBy } = await within(connections.drain(), () => 'the drain')
    expect(heldBy.map(({ remote }) => remote)).toEqual(closes.map(({ remote }) => remote))
    if (where !== 0) expect(heldBy[0]?.remote).toBe('a unix domain socket')
    for (const { ms } of [...heldBy, ...closes]) expect(Number.isInteger(ms)).toBe(true)
    client.destroy()
  }
})

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

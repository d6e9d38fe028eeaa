import { equal, ok } from 'node:assert/strict'
import type { CloseEvent, Options } from '@halfclose/core'
import type { FrameClient } from '../../support/h2/client.js'
import type { Case } from '../../support/h2/contract.js'
import { frame } from '../../support/h2/frames.js'
import type { H2Host } from '../../support/h2/host.js'
import { patience, within } from '../../support/wait.js'

const nextClose = ({ connections }: H2Host): Promise<CloseEvent> => new Promise((resolve) => connections.once('close', resolve))

/** As over HTTP/1.1: a session that ends in a way, and what is told of it. */
const ends = (
  id: string,
  title: string,
  told: string,
  act: (client: FrameClient, host: H2Host) => Promise<unknown>,
  options?: Options,
): Case => ({
  id: `h2-ends/${id}`,
  rules: ['R010', 'R192'],
  title: `of ${title} is told: ${told}`,
  ...(options && { options }),
  run: async (host) => {
    const closed = nextClose(host)
    const client = await host.connect()
    await act(client, host)
    const event = await within(closed, () => `the close event\n${client}`, 3 * patience)
    const { reason, first, state, request, reset, promise, bytes } = event
    equal([reason, first, state, request ?? '-', reset ? 'reset' : 'fin', promise].join(' '), told)
    equal(event.inFlight, request !== undefined)
    equal(event.protocol, '2')
    equal(event.tls, host.secure ? '1.3' : false)
    ok(bytes.read > 0 && bytes.written > 0, JSON.stringify(bytes))
  },
})

/** How sessions end, as the event of a close has it. */
export const endings: Case[] = [
  ends('idle', 'one that was kept idle for its hold', 'idle server idle - fin none', (client) => client.get('/a'), {
    http2: { hold: 300 },
  }),
  ends('client-leaves', 'a client that closes an idle one', 'client-close peer idle - fin none', async (client) => {
    await client.get('/a')
    client.connection.fin()
  }),
  ends('client-resets', 'a client that resets amid a request', 'peer peer busy handler reset none', async (client, host) => {
    // So that nothing is on its way but the reset: what is read in one go with data looks like a FIN.
    await client.get('/a')
    client.ask('/held')
    await host.request('/held')
    client.connection.reset()
  }),
  ends(
    'drain-busy',
    'a session whose stream is answered in a drain',
    'draining server closing - fin none',
    async (client, host) => {
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      await host.stopping()
      await client.frame('GOAWAY')
      res.end('x')
      await client.answer(stream)
    },
  ),
  ends(
    'close-all',
    'an idle one that closeAllConnections() closes',
    'handler server idle - fin none',
    async (client, { server }) => {
      await client.get('/a')
      const closeAll: unknown = Reflect.get(server, 'closeAllConnections')
      if (typeof closeAll === 'function') Reflect.apply(closeAll, server, [])
    },
  ),
  ends(
    'deadline',
    'a stream that is cut at the deadline',
    'deadline server closing handler fin none',
    async (client, host) => {
      client.ask('/held')
      await host.request('/held')
      void host.stop()
    },
    { drain: { deadline: 400 } },
  ),
  ends(
    'flood',
    'a client that costs too much',
    'flood server silent - fin none',
    async (client) => {
      const pings = Buffer.concat(Array.from({ length: 100 }, () => frame('PING', 0, 0, Buffer.alloc(8))))
      for (let i = 0; i < 100 && client.goaways.length === 0 && (await client.send(pings)); i++)
        await new Promise((resolve) => setImmediate(resolve))
    },
    { http2: { control: 100 } },
  ),
]

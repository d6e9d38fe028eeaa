import { deepEqual, ok } from 'node:assert/strict'
import { listed } from '../../contract/cases/list.js'
import type { FrameClient } from '../../support/h2/client.js'
import type { Case } from '../../support/h2/contract.js'
import { settings } from '../../support/h2/frames.js'
import type { Route } from '../../support/h2/host.js'
import { until } from '../../support/wait.js'

const large: Route = (_req, res) => void res.end(Buffer.alloc(256 * 1_024, 'x'))
const portOf = ({ connection }: FrameClient) => connection.raw.localPort

/** `connections.list()`: a session is one connection. */
export const list: Case[] = [
  {
    id: 'h2-list/streams',
    rules: ['R202'],
    title: 'a session is listed once, by the oldest of its requests, with how many there are; and as idle when they are answered',
    run: async (host) => {
      const client = await host.connect()
      const streams = [client.ask('/held/first?secret=1'), client.ask('/held/second')]
      const first = await host.request('/held/first?secret=1')
      const second = await host.request('/held/second')
      const { method, path, state, inFlight, requests, protocol } = await listed(host, portOf(client), /^the handler$/)
      deepEqual(
        { method, path, state, inFlight, requests, protocol },
        { method: 'GET', path: '/held/first', state: 'busy', inFlight: 2, requests: 2, protocol: '2' },
      )
      for (const { res } of [first, second]) res.end('done')
      for (const stream of streams) await client.answer(stream)
      const idle = await listed(host, portOf(client), /^the next request$/)
      deepEqual([idle.state, idle.inFlight, idle.path], ['idle', 0, undefined])
    },
  },
  {
    id: 'h2-list/unread',
    rules: ['R202'],
    title: 'a client that opens no window is named with what is unsent',
    routes: { '/large': large },
    run: async (host) => {
      const client = await host.connect({ settings: [[settings.INITIAL_WINDOW_SIZE, 0]] })
      client.ask('/large')
      const { path } = await listed(host, portOf(client), /^the client does not read: \d+ kB unsent$/)
      deepEqual(path, '/large')
    },
  },
  {
    id: 'h2-list/body',
    rules: ['R202'],
    title: 'so is one that does not send the body of its request',
    run: async (host) => {
      const client = await host.connect()
      client.ask('/held', { method: 'POST', end: false })
      await host.request('/held')
      const { method, ms } = await listed(host, portOf(client), /^the client does not send its body$/)
      deepEqual(method, 'POST')
      ok(ms >= 0)
      await until('the stream', () => host.connections.stats().open.busy === 1)
    },
  },
]

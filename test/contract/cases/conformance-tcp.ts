import { deepEqual, ok } from 'node:assert/strict'
import { Socket } from 'node:net'
import type { Case } from '../../support/contract.js'
import type { Host } from '../../support/host.js'
import { get } from '../../support/requests.js'
import { until } from '../../support/wait.js'

/** What is asked of the kernel for the connections of this host, by the one public door there is. */
async function keepAlivesOf(host: Host, use: (asked: readonly unknown[]) => Promise<unknown>): Promise<unknown[]> {
  const asked: unknown[] = []
  const { setKeepAlive } = Socket.prototype
  Socket.prototype.setKeepAlive = function (this: Socket, ...args) {
    if (this.localPort === host.port) asked.push(args)
    return Reflect.apply(setKeepAlive, this, args)
  }
  try {
    await use(asked)
  } finally {
    Socket.prototype.setKeepAlive = setKeepAlive
  }
  return asked
}

const exchange = (host: Host) => async () => {
  const client = await host.connect()
  await client.ask(get('/a'))
}

/** What the policy can ask of TCP; the rest of it is the kernel's. */
export const conformanceTcp: Case[] = [
  {
    id: 'conformance/tcp-keep-alive-on',
    alone: true,
    rules: ['R194', 'R003'],
    title: 'TCP keep-alive is a switch per connection: tcp.keepAlive turns it on, after that many milliseconds of idleness',
    options: { tcp: { keepAlive: 30_000 } },
    run: async (host) => {
      const asked = await keepAlivesOf(host, exchange(host))
      ok(asked.length >= 1, 'nothing was asked of the kernel')
      for (const args of asked) deepEqual(args, [true, 30_000])
    },
  },
  {
    id: 'conformance/tcp-keep-alive-silent',
    alone: true,
    rules: ['R194', 'R003'],
    title: 'where no timeout of Node ends a client that never sends a request, TCP keep-alive is on from the beginning',
    server: { headersTimeout: 0, requestTimeout: 0 },
    options: { tcp: { keepAlive: 30_000 } },
    run: async (host) => {
      const asked = await keepAlivesOf(host, async (soFar) => {
        await host.connect()
        await until('TCP keep-alive to be asked for', () => soFar.length > 0)
      })
      deepEqual(asked.at(0), [true, 30_000])
    },
  },
  {
    id: 'conformance/tcp-keep-alive-off',
    alone: true,
    rules: ['R194', 'R003'],
    title: 'with tcp.keepAlive: false TCP keep-alive stays off, as it is by default in TCP',
    regression: true,
    options: { tcp: { keepAlive: false } },
    run: async (host) => deepEqual(await keepAlivesOf(host, exchange(host)), []),
  },
]

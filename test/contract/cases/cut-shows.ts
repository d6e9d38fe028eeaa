import { equal, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import type { Host, Route } from '../../support/host.js'
import { get10 } from '../../support/requests.js'
import { until } from '../../support/wait.js'

const ignore = (): void => {}

/** Every way to end the connection amid a body that ends with it. */
const ways: Record<string, (host: Host, ...args: Parameters<Route>) => unknown> = {
  'close-all': (host) => host.server.closeAllConnections(),
  'close-all-twice': (host) => {
    host.server.closeAllConnections()
    setImmediate(() => host.server.closeAllConnections())
  },
  'close-all-amid-a-drain': (host) => {
    void host.stop()
    setTimeout(() => host.server.closeAllConnections(), 50)
  },
  'socket-destroy': (_host, req) => req.socket.destroy(),
  'socket-destroy-twice': (_host, req) => {
    req.socket.destroy()
    req.socket.destroy()
  },
  'socket-destroy-soon': (_host, req) => req.socket.destroySoon(),
  'socket-end': (_host, req) => req.socket.end(),
  'socket-end-with-data': (_host, req) => req.socket.end('more'),
  'request-destroy': (_host, req) => req.destroy(),
  'response-destroy-then-end': (_host, _req, res) => {
    res.destroy()
    res.end('the rest')
  },
  'response-destroy-error': (_host, _req, res) => res.destroy(new Error('broken off')),
}

const routes: Record<string, Route> = Object.fromEntries(
  Object.entries(ways).map(([name, way]): [string, Route] => [
    `/${name}`,
    (req, res, host) => {
      req.on('error', ignore)
      res.on('error', ignore)
      res.write('half')
      setTimeout(() => way(host, req, res, host), 50)
    },
  ]),
)

const cases: Case[] = [
  ...Object.keys(ways).map(
    (name): Case => ({
      id: `cut-shows/${name}`,
      rules: ['R058', 'R093', 'R130'],
      title: `a body that ends with the connection ends in a reset where it is cut (${name})`,
      options: { drain: { delay: 0, deadline: 10_000 } },
      run: async (host) => {
        const client = await host.connect()
        await client.send(get10(`/${name}`))
        equal((await client.head(0)).status, 200)
        equal(await client.closed(), 'reset')
        ok(!client.closeNotify, 'close_notify would say that the body is whole')
        await until('the connection gone', async () => (await host.openConnections()) === 0)
      },
    }),
  ),
  {
    id: 'cut-shows/deadline',
    rules: ['R058', 'R093'],
    title: "a body that ends with the connection ends in a reset at a drain's deadline",
    options: { drain: { delay: 0, deadline: 300 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get10('/held'))
      const { res } = await host.request('/held')
      res.write('half')
      equal((await client.head(0)).status, 200)
      void host.stop()
      equal(await client.closed(), 'reset')
    },
  },
]

/** A cut is visible, whoever cuts. */
export const cutShows: Case[] = cases.map((one) => ({ routes, ...one }))

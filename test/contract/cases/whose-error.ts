import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { get as getFrom } from 'node:http'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { pipeline } from 'node:stream'
import type { Case } from '../../support/contract.js'
import { filled } from '../../support/filler.js'
import type { Host, Route } from '../../support/host.js'
import { get10, postHead } from '../../support/requests.js'
import { pass, until } from '../../support/wait.js'
import { upgradeTo } from './gate-special.js'

const MiB = 1024 * 1024
const errorOf = (code: string, syscall: string): Error => Object.assign(new Error(`${syscall} ${code}`), { code, syscall })
const ignore = (): void => {}

/** What goes wrong in an application amid half a body, and looks like an error of the client's connection. */
const ways: Record<string, Route> = {
  '/origin-resets': async (_req, res) => {
    const origin = createServer((socket) =>
      socket.on('error', ignore).once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf')
        setTimeout(() => socket.resetAndDestroy(), 100)
      }),
    )
    origin.listen(0, '127.0.0.1')
    await once(origin, 'listening')
    const address = origin.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    getFrom({ port, host: '127.0.0.1', agent: false }, (answer) => {
      res.writeHead(200)
      pipeline(answer, res, () => origin.close())
    }).on('error', ignore)
  },
  '/directory': (_req, res) => {
    res.write('half')
    setTimeout(() => pipeline(createReadStream(tmpdir()), res, ignore), 50)
  },
  '/response-econn': (_req, res) => {
    res.write('half')
    setTimeout(() => res.destroy(errorOf('ECONNRESET', 'read')), 50)
  },
  '/request-econn': (req, res) => {
    res.write('half')
    setTimeout(() => req.destroy(errorOf('ECONNREFUSED', 'connect')), 50)
  },
  '/socket-econn': (req, res) => {
    res.write('half')
    setTimeout(() => req.socket.destroy(errorOf('ECONNRESET', 'read')), 50)
  },
  '/socket-eproto': (req, res) => {
    res.write('half')
    setTimeout(() => req.socket.destroy(errorOf('EPROTO', 'write')), 50)
  },
  '/socket-ssl': (req, res) => {
    res.write('half')
    setTimeout(() => req.socket.destroy(Object.assign(new Error('wrong version'), { code: 'ERR_SSL_WRONG_VERSION_NUMBER' })), 50)
  },
}

const routes: Record<string, Route> = {
  ...Object.fromEntries(
    Object.entries(ways).map(([path, way]): [string, Route] => [
      path,
      (req, res, host) => {
        req.on('error', ignore)
        res.on('error', ignore)
        return way(req, res, host)
      },
    ]),
  ),
  '/full': (req, res) => {
    req.on('error', ignore)
    req.once('data', () => res.writeHead(507).end('disk full', () => req.destroy(errorOf('ENOSPC', 'write'))))
  },
}

const half = async (host: Host, path: string): Promise<void> => {
  const client = await host.connect()
  await client.send(get10(path))
  equal((await client.head(0)).status, 200)
  equal(await client.closed(), 'reset')
}

const cases: Case[] = [
  ...Object.keys(ways).map(
    (path): Case => ({
      id: `whose-error${path}`,
      rules: ['R058', 'R093'],
      title: `half a body that ends with the connection does not look whole where the application fails with a system's error (${path.slice(1)})`,
      run: async (host) => {
        await half(host, path)
        if (host.bare) return
        await until('the end of it', async () => (await host.openConnections()) === 0)
        const { requests, closes, closedFirst } = host.connections.stats()
        deepEqual([requests.cut, requests.aborted, closes, closedFirst.server], [1, 0, { handler: 1 }, 1])
      },
    }),
  ),
  {
    id: 'whose-error/full-disk',
    rules: ['R116', 'R190'],
    title: "an answer amid an upload, then req.destroy() with the disk's error: the answer arrives, three times of three",
    alone: true,
    run: async (host) => {
      const body = filled(12 * MiB)
      for (let time = 1; time <= 3; time++) {
        const client = await host.connect()
        ok(await client.sendBeforeReading(postHead('/full', body.length), body), `broke off at time ${time}\n${client}`)
        equal((await client.next()).text, 'disk full')
      }
    },
  },
  {
    id: 'whose-error/report',
    rules: ['R058'],
    title: "a drain's report is not clean where a response was broken off by an upstream's error",
    options: { drain: { delay: 0, deadline: 10_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get10('/response-econn'))
      await host.request('/response-econn')
      const { clean, requests } = await host.report()
      deepEqual([clean, requests.cut], [false, 1])
    },
  },
  {
    id: 'whose-error/client-reset',
    rules: ['R192'],
    title: "a client's own reset is the client's",
    run: async (host) => {
      const client = await host.connect()
      await client.send(get10('/held'))
      await host.request('/held')
      client.reset()
      await until('the end of it', async () => (await host.openConnections()) === 0)
      const { requests, closes, closedFirst } = host.connections.stats()
      deepEqual([requests.cut, requests.aborted, closes, closedFirst.peer], [0, 1, { peer: 1 }, 1])
    },
  },
  ...['upstream', 'client'].map(
    (who): Case => ({
      id: `whose-error/tunnel-${who}`,
      rules: ['R192'],
      title: `a tunnel that ends by a reset of the ${who} is counted as ended by the ${who === 'client' ? 'peer' : 'server'}`,
      hosts: ['http', 'https'],
      run: async (host) => {
        host.server.on('upgrade', (_req, socket) => {
          socket.on('error', ignore).resume()
          socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
          if (who === 'upstream') setTimeout(() => socket.destroy(errorOf('ECONNRESET', 'read')), 50)
        })
        const client = await host.connect()
        await client.send(upgradeTo('/chat'))
        await client.head(0)
        if (who === 'client') client.reset()
        await until('the end of it', async () => (await host.openConnections()) === 0)
        await pass(20)
        const { closedFirst } = host.connections.stats()
        deepEqual(closedFirst, who === 'client' ? { server: 0, peer: 1 } : { server: 1, peer: 0 })
      },
    }),
  ),
]

/** An error is the client's only where its connection broke. */
export const whoseError: Case[] = cases.map((one) => ({ routes, ...one }))

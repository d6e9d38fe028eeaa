import { deepEqual, equal, ok } from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Host } from '../../support/host.js'
import { get, pipeline } from '../../support/requests.js'
import { until } from '../../support/wait.js'
import { upgradeTo } from './gate-special.js'

type Wrap = (res: ServerResponse) => void

/** Runs with every response of this server wrapped as Node documents it for APMs: before anybody else has it. */
async function whileWrapped(host: Host, wrap: Wrap, run: () => Promise<void>): Promise<void> {
  const onStart = (message: unknown): void => {
    if (!isStart(message) || message.server !== host.server) return
    wrap(message.response)
  }
  subscribe('http.server.request.start', onStart)
  try {
    await run()
  } finally {
    unsubscribe('http.server.request.start', onStart)
  }
}

const isStart = (message: unknown): message is { server: unknown; request: IncomingMessage; response: ServerResponse } =>
  typeof message === 'object' && message !== null && 'server' in message && 'response' in message

/** Sets a field with every head, and counts. */
function secured(called: string[]): Wrap {
  return (res) => {
    const { writeHead, write, end } = res
    res.writeHead = function (this: ServerResponse, ...args: unknown[]) {
      called.push('writeHead')
      this.setHeader('X-Frame-Options', 'DENY')
      return Reflect.apply(writeHead, this, args)
    }
    res.write = function (this: ServerResponse, ...args: unknown[]) {
      called.push('write')
      return Reflect.apply(write, this, args)
    }
    res.end = function (this: ServerResponse, ...args: unknown[]) {
      called.push('end')
      return Reflect.apply(end, this, args)
    }
  }
}

/** Makes another body of what the application writes, with a length of its own. */
const shortened: Wrap = (res) => {
  const { end } = res
  let text = ''
  res.write = (chunk: unknown) => {
    text += String(chunk)
    return true
  }
  res.end = function (this: ServerResponse, chunk?: unknown) {
    text += typeof chunk === 'string' ? chunk : ''
    this.setHeader('Content-Length', 3)
    return Reflect.apply(end, this, [text.slice(0, 3)])
  }
}

/** What others have put on a response or a socket before us stays, and is called. */
export const wrapped: Case[] = [
  {
    id: 'wrapped/response',
    rules: ['R095'],
    title: "a response's methods that an APM has wrapped on Node's own channel are called, once each, and its fields are sent",
    regression: true,
    routes: {
      '/pieces': (_req, res) => {
        res.write('in ')
        res.end('pieces')
      },
      '/last': (_req, res) => void res.setHeader('Connection', 'close').end('last'),
    },
    run: async (host) => {
      const called: string[] = []
      await whileWrapped(host, secured(called), async () => {
        const client = await host.connect()
        void client.send(pipeline(get('/whole'), get('/pieces'), get('/last')))
        const [whole, pieces, last] = await client.take(3)
        ok(whole && pieces && last)
        deepEqual(
          [whole, pieces, last].map((answer) => [answer.text, answer.header('x-frame-options')]),
          [
            ['/whole', 'DENY'],
            ['in pieces', 'DENY'],
            ['last', 'DENY'],
          ],
        )
        for (const answer of [whole, pieces]) keeps(answer)
        await closesWith(client, last)
      })
      equal(called.filter((name) => name === 'end').length, 3)
      equal(called.filter((name) => name === 'writeHead').length, 3)
      ok(called.includes('write'))
    },
  },
  {
    id: 'wrapped/refusal',
    rules: ['R067'],
    title: 'a request that no handler sees is answered by way of them, too',
    regression: true,
    run: async (host) => {
      await whileWrapped(host, secured([]), async () => {
        const client = await host.connect()
        await client.send('GET / HTTP/1.1\r\n\r\n')
        const refused = await client.next()
        equal(refused.status, 400)
        equal(refused.header('x-frame-options'), 'DENY')
      })
    },
  },
  {
    id: 'wrapped/changed-body',
    rules: ['R118'],
    title: 'where they make another body of what the application writes, its length is theirs, and the connection stays',
    regression: true,
    routes: {
      '/long': (_req, res) => {
        res.write('a long')
        res.end(' body')
      },
    },
    run: async (host) => {
      await whileWrapped(host, shortened, async () => {
        const client = await host.connect()
        void client.send(pipeline(get('/long'), get('/whole')))
        deepEqual(
          (await client.take(2)).map(({ text }) => text),
          ['a l', '/wh'],
        )
        keeps(client.last)
      })
    },
  },
  {
    id: 'wrapped/wrong-length',
    rules: ['R118'],
    title: 'beneath them a body that is shorter than its Content-Length still ends the connection',
    routes: { '/short': (_req, res) => void res.setHeader('Content-Length', 9).end('short') },
    run: async (host) => {
      await whileWrapped(host, secured([]), async () => {
        const client = await host.connect()
        await client.send(pipeline(get('/short'), get('/behind')))
        equal(await client.closed(), 'fin')
        deepEqual(host.paths, ['/short'])
      })
    },
  },
  {
    id: 'wrapped/socket',
    rules: ['R108'],
    title: "a socket's methods that a 'connection' listener has wrapped are called when they are due",
    run: async (host) => {
      const called = new Set<string>()
      host.server.on(host.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
        for (const name of ['destroy', 'destroySoon', 'end', 'push', '_destroy', 'emit', 'setTimeout'] as const) {
          const prior = Reflect.get(socket, name)
          Object.assign(socket, {
            [name](this: Socket, ...args: unknown[]) {
              called.add(name)
              return Reflect.apply(prior, this, args)
            },
          })
        }
      })
      const client = await host.connect()
      keeps(await client.ask(get('/first')))
      const { req } = await host.request('/first')
      req.socket.setTimeout(60_000)
      await closesWith(client, await client.ask(get('/last', 'Connection: close')))
      await until('the socket to be destroyed', () => req.socket.destroyed)
      // What is read goes to the parser past push(), but for the end.
      deepEqual([...called].sort(), ['_destroy', 'destroy', 'destroySoon', 'emit', 'end', 'push', 'setTimeout'])
    },
  },
  {
    id: 'wrapped/upgraded-socket',
    rules: ['R146'],
    title: 'they are on it still when the socket goes to another protocol',
    regression: true,
    run: async (host) => {
      let destroyed = 0
      host.server.on(host.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
        const { destroy } = socket
        socket.destroy = function (this: Socket, ...args) {
          destroyed++
          return Reflect.apply(destroy, this, args)
        }
      })
      let ours: Duplex | undefined
      host.server.on('upgrade', (_req: IncomingMessage, socket: Duplex) => {
        ours = socket
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      })
      const client = await host.connect()
      await client.send(upgradeTo('/chat'))
      equal((await client.next()).status, 101)
      equal(destroyed, 0)
      ours?.destroy()
      await client.over()
      ok(destroyed > 0)
    },
  },
]

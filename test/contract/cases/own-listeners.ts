import { equal, match, ok } from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { type Case, frameworks, plain } from '../../support/contract.js'
import { get, pipeline } from '../../support/requests.js'
import { pass, until } from '../../support/wait.js'

/** The framework's and the user's own listeners and timeouts keep working. */
export const ownListeners: Case[] = [
  {
    id: 'gate/own-client-error',
    rules: ['R068'],
    title: "the user's own clientError listener still answers, in its turn, and its answer arrives",
    hosts: [...plain, 'express4', 'express5'],
    run: async (host) => {
      host.server.on('clientError', (_error, socket: Duplex) => {
        socket.end('HTTP/1.1 400 My Own\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      })
      const client = await host.connect()
      void client.send(pipeline(get('/held'), 'nonsense\r\n\r\n'))
      const { res } = await host.request('/held')
      await pass(200)
      equal(client.statuses, '')
      res.end('held')
      equal((await client.next()).text, 'held')
      equal((await client.next()).reason, 'My Own')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'gate/framework-client-error',
    rules: ['R068'],
    title: "the framework's own answer to what is malformed arrives",
    regression: true,
    hosts: frameworks,
    run: async (host) => {
      const client = await host.connect()
      await client.send('nonsense\r\n\r\n')
      const answer = await client.next()
      equal(answer.status, 400)
      if (host.name.startsWith('fastify')) match(answer.text, /Client Error/)
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'gate/socket-timeout',
    rules: ['R021'],
    title: 'server.setTimeout and connectionTimeout still end a connection on which nothing happens',
    regression: true,
    server: { connectionTimeout: 700 },
    run: async (host) => {
      const [silent, waiting] = [await host.connect(), await host.connect()]
      await waiting.send(get('/held'))
      const { res } = await host.request('/held')
      await silent.over()
      await waiting.over()
      await until("res 'close'", () => res.closed)
    },
  },
  {
    id: 'gate/timeout-listener',
    rules: ['R021'],
    title: "the user's own timeout listener is asked, and decides",
    regression: true,
    run: async (host) => {
      let asked = 0
      host.server.setTimeout(600, () => {
        asked++
      })
      const client = await host.connect()
      await client.send(get('/held'))
      const { res } = await host.request('/held')
      await until('the listener to be asked', () => asked > 0)
      ok(!client.gone)
      res.end('in the end')
      equal((await client.next()).text, 'in the end')
    },
  },
]

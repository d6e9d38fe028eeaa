import { once } from 'node:events'
import { Client } from '../support/client.js'
import { until, within } from '../support/wait.js'
import { Application } from './model/application.js'
import { play } from './model/play.js'
import type { Command, Script, Wish } from './model/script.js'

// What the model once found, shrunk: each was a fault of the core, and is played every time.

const base: Omit<Script, 'commands'> = {
  tls: false,
  obliging: false,
  keepAlive: { timeout: 0, maxRequests: false, http10: 'grant' },
  halfClosed: 20_000,
  quiet: 40,
  drain: { idle: 0, silent: 0, deadline: 20_000 },
  crowded: false,
  connects: false,
  tidy: 'fin',
}

const send = (...wishes: Wish[]): Command => ({ do: 'send', wishes, part: 1, pieces: 1, calm: true })
/** `part`: how much of the last request is sent. The client does not wait for what the server does with it. */
const sendOn = (part: number, ...wishes: Wish[]): Command => ({ do: 'send', wishes, part, pieces: 1, calm: false })
const wish = (kind: Wish['kind'], plan: Wish['plan'], size = 1): Wish => ({ kind, plan, size })

describe('what the model found', () => {
  it('a last answer is lingered for, though a big body of a request that is dropped lies behind it', () =>
    play({
      ...base,
      quiet: 20_000,
      commands: [send(wish('post', 'close'), wish('post', 'read', 90_000), wish('post', 'read', 90_000))],
    }))

  it('a request that the handler cuts during a drain is reported, also where it said close', () =>
    play({ ...base, commands: [send(wish('closing', 'held')), { do: 'drain' }, { do: 'answer', mode: 'torn' }] }))

  it('whoever takes an upgrade over learns that the client sent FIN while it waited', () =>
    play({
      ...base,
      commands: [
        send(wish('get', 'held'), wish('upgrade', 'held')),
        { do: 'fin' },
        { do: 'wait', ms: 30 },
        { do: 'answer', mode: 'length' },
      ],
    }))

  it('an answer that was written arrives, though the handler of the next request cuts the connection with input unread', () =>
    play({ ...base, commands: [send(wish('get', 'big'), wish('chunked', 'abort', 90_000), wish('post', 'length', 90_000))] }))

  it('and also where that cut comes amid a body', () =>
    play({ ...base, commands: [send(wish('get', 'big'), wish('chunked', 'torn', 90_000), wish('post', 'length', 90_000))] }))

  it('a drain does not report what was cut before it began', () =>
    play({ ...base, quiet: 20_000, commands: [send(wish('get', 'length'), wish('get', 'abort')), { do: 'drain' }] }))

  // Over TLS the socket's 'close' came within the call that destroyed it, before the drain listened: it waited for its deadline.
  for (const tls of [false, true])
    it(`a drain ends when a body that ends with the connection has been cut, ${tls ? 'https' : 'http'}`, () =>
      play({
        ...base,
        tls,
        tidy: 'reset',
        commands: [send(wish('get', 'held')), { do: 'drain' }, { do: 'answer', mode: 'torn-unframed' }],
      }))

  it('what a client sends behind an upgrade that waits is not lost when the socket has room again for the answers before it', () =>
    play({
      ...base,
      commands: [
        sendOn(1, wish('post', 'held'), wish('post', 'held'), wish('get', 'held')),
        sendOn(1, wish('upgrade', 'read'), wish('get', 'read')),
        { do: 'answer', mode: 'big' },
        sendOn(0, wish('get', 'length')),
      ],
    }))

  for (const leave of ['fin', 'reset'] as const) {
    it(`bytes behind a request that said close do not hide that its client has left: ${leave}`, async () => {
      const app = new Application({ ...base, halfClosed: 200, commands: [] })
      const client = await Client.open({ port: await app.listen() })
      try {
        void client.send('GET /r0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nx')
        await until('the request', () => app.held.has('r0'))
        const res = app.held.get('r0')
        if (res === undefined) throw new Error('not held')
        client[leave]()
        await within(once(res, 'close'), () => "the response's 'close'", 3_000)
      } finally {
        client.destroy()
        app.server.closeAllConnections()
        await app.connections.drain({ fast: true })
      }
    })
  }
})

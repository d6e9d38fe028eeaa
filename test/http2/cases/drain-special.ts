import { deepEqual, equal } from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Client } from '../../support/client.js'
import { closesWith } from '../../support/expect.js'
import { type Case, plain } from '../../support/h2/contract.js'
import { announced, drained, endsWith } from '../../support/h2/expect.js'
import { END_HEADERS, END_STREAM, encodeFields, frame } from '../../support/h2/frames.js'
import { get } from '../../support/requests.js'
import { deferred } from '../../support/wait.js'

/** A literal that the peer has to remember: `x-late: yes` becomes entry 62. */
const REMEMBERED = Buffer.concat([Buffer.from([0x40]), encodeFields([['x-late', 'yes']]).subarray(1)])
const ENTRY_62 = Buffer.from([0x80 | 62])

export const drainSpecial: Case[] = [
  {
    id: 'h2-drain/state-is-kept',
    rules: ['R172'],
    title: 'what comes on streams behind the GOAWAY is thrown away, but still counts for header compression and flow control',
    routes: {
      '/upload': (req, res) => {
        let bytes = 0
        req.on('data', (chunk: Buffer) => {
          bytes += chunk.length
        })
        req.on('end', () => res.end(`${bytes} ${JSON.stringify(req.trailers)}`))
      },
    },
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/upload', { method: 'POST', end: false })
      await host.request('/upload')
      void host.stop()
      await announced(client)
      const late = client.request('/too-late', { method: 'POST', end: false })
      void client.send(frame('HEADERS', END_HEADERS, late.stream, Buffer.concat([late.bytes.subarray(9), REMEMBERED])))
      for (let sent = 0; sent < 60_000; sent += 10_000) client.data(late.stream, Buffer.alloc(10_000))
      for (let left = 200_000; left > 0; ) {
        await client.until(() => client.window(stream) > 0, 'a window')
        const bytes = Math.min(left, client.window(stream), 16_384)
        client.data(stream, Buffer.alloc(bytes))
        left -= bytes
      }
      void client.send(frame('HEADERS', END_HEADERS | END_STREAM, stream, ENTRY_62))
      equal((await client.answer(stream)).text, '200000 {"x-late":"yes"}')
      await endsWith(client, stream)
      deepEqual(host.paths, ['/upload'])
    },
  },
  {
    id: 'h2-drain/stream-event',
    rules: ['R168', 'R171'],
    title: 'an application that answers the stream event is drained and counted like one that answers requests',
    hosts: plain,
    run: async (host) => {
      host.server.off('request', host.handle)
      const opened = deferred<ServerHttp2Stream>()
      host.server.on('stream', (stream: ServerHttp2Stream) => opened.resolve(stream))
      const client = await host.connect()
      const id = client.ask('/held')
      const stream = await opened.promise
      void host.stop()
      equal((await announced(client)).last, id)
      stream.respond({ ':status': 200 })
      stream.end('by the stream')
      equal((await client.answer(id)).text, 'by the stream')
      await endsWith(client, id)
      await drained(host, { requests: { finished: 1, rescued: 0, cut: 0 } })
    },
  },
  {
    id: 'h2-drain/own-goaway',
    rules: ['R170', 'R202'],
    title: 'where the application has sent a GOAWAY before the drain, no later one takes it back',
    run: async (host) => {
      const client = await host.connect()
      const closed = client.ask('/held-1')
      const first = await host.request('/held-1')
      for (const session of host.sessions) session.close()
      const other = await host.connect()
      const told = other.ask('/held-2')
      const second = await host.request('/held-2')
      second.res.stream.session?.goaway()
      for (const [one, stream] of [[client, closed] as const, [other, told] as const]) {
        equal((await announced(one)).last, stream)
      }
      await host.stopping()
      first.res.end('one')
      second.res.end('two')
      for (const [one, stream] of [[client, closed] as const, [other, told] as const]) {
        equal((await one.answer(stream)).whole, true)
        await endsWith(one, stream)
        deepEqual([one.notices.length, ...one.goaways.filter(({ last }) => last !== stream)], [0], `${one}`)
      }
      await drained(host)
    },
  },
  {
    id: 'h2-drain/beside-http-server',
    rules: ['R202', 'R203'],
    title: 'an http server under the same policy drains with it, each by the rules of its protocol',
    hosts: plain,
    run: async (host) => {
      const other = createServer((req, res) => res.end(req.url))
      host.connections.attach(other)
      other.listen(0, '127.0.0.1')
      await once(other, 'listening')
      const address: string | AddressInfo | null = other.address()
      const old = await Client.open({ port: typeof address === 'object' && address !== null ? address.port : '' })
      try {
        await old.ask(get('/http'))
        const client = await host.idleClient()
        await host.stopping()
        await endsWith(client, 1)
        await closesWith(old, await old.ask(get('/late')))
        await drained(host, { requests: { finished: 0, rescued: 1, cut: 0 } })
      } finally {
        old.destroy()
      }
    },
  },
]

import { deepEqual, equal, ok } from 'node:assert/strict'
import { gzipSync } from 'node:zlib'
import type { Case } from '../../support/contract.js'
import { keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { ask, get, get10, pipeline } from '../../support/requests.js'
import { pass } from '../../support/wait.js'

const half = 'x'.repeat(1_000)
/** Writes half a body and breaks off once it has left. */
const breaksOff = (headers: Record<string, string | number>, how: 'response' | 'socket'): Route => {
  return (req, res) => {
    res.writeHead(200, headers)
    res.write(half, () => void setTimeout(() => (how === 'response' ? res.destroy() : req.socket.destroy()), 50))
  }
}

/** What went wrong in a handler that did nothing unusual: it must be nothing. */
const thrown: { at: string; error: unknown }[] = []
const guarded =
  (handler: Route): Route =>
  (req, res, host) => {
    const at = `${host.name} ${req.url}`
    res.on('error', (error) => thrown.push({ at, error }))
    try {
      handler(req, res, host)
    } catch (error) {
      thrown.push({ at, error })
    }
  }

const routes: Record<string, Route> = {
  '/response-destroyed': breaksOff({}, 'response'),
  '/socket-destroyed': breaksOff({}, 'socket'),
  '/sized-destroyed': breaksOff({ 'Content-Length': 2_000 }, 'response'),
  '/whole': (_req, res) => {
    res.write(half)
    res.end(half)
  },
  '/short': guarded((_req, res) => void res.writeHead(200, { 'Content-Length': 100 }).end('too short')),
  '/long': guarded(
    (_req, res) =>
      void res.writeHead(200, { 'Content-Length': 10 }).end('0123456789HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad'),
  ),
  '/long-in-pieces': guarded((_req, res) => {
    res.setHeader('Content-Length', 10)
    res.write('01234')
    setTimeout(() => {
      res.write('56789ab')
      setTimeout(() => res.end('cdef'), 30)
    }, 30)
  }),
  '/sized': (_req, res) => void res.setHeader('Content-Length', 100).end(res.req.method === 'HEAD' ? undefined : 'x'.repeat(100)),
  '/304': (_req, res) => void res.writeHead(304, { 'Content-Length': 100 }).end(),
  '/compressed': (_req, res) => {
    res.setHeader('Content-Length', 1_000)
    res.removeHeader('Content-Length') // what compression middleware does
    res.setHeader('Content-Encoding', 'gzip')
    res.write(gzipSync(half))
    res.end()
  },
  '/bytes-not-characters': (_req, res) =>
    void res.setHeader('Content-Length', Buffer.byteLength('žluťoučký kůň')).end('žluťoučký kůň'),
}

const cutShort = (id: string, what: string, path: string): Case => ({
  id: `truncation/${id}`,
  rules: ['R058', 'R093', 'R130'],
  title: `a close-delimited body that ${what} ends in a reset`,
  run: async (host) => {
    const client = await host.connect()
    await client.send(get10(path))
    equal((await client.head(0)).status, 200)
    equal(await client.closed(), 'reset')
    ok(!client.closeNotify, 'close_notify would say that the body is whole')
    equal(client.statuses, '')
  },
})

const wrongLength = (path: string, what: string): Case => ({
  id: `truncation${path}-then-next`,
  rules: ['R032', 'R087', 'R001'],
  title: `a body ${what} than its Content-Length never lets the next response be read as its rest`,
  run: async (host) => {
    const right = path === '/short' ? 'too short' : '0123456789'
    const client = await host.connect()
    void client.send(pipeline(get(path), get('/next'), get('/next')))
    const first = await client.head(0)
    await client.closed()
    ok(right.startsWith(first.text), `${client}`)
    for (const answer of client.answers.list.slice(first.complete ? 1 : 0)) equal(answer.text, '/next')
    equal(client.parser.garbage, '')
    const errors = thrown.filter(({ at }) => at === `${host.name} ${path}`)
    deepEqual(errors, [], 'threw into the application')
  },
})

const cases: Case[] = [
  cutShort('handler-aborts', 'the handler aborts', '/response-destroyed'),
  cutShort('handler-destroys-socket', 'the handler cuts by destroying the socket', '/socket-destroyed'),
  {
    ...cutShort('native-stream-fails', 'comes from a stream which fails', '/native/failing-stream'),
    hosts: ['fastify4', 'fastify5', 'fastify6'],
  },
  {
    id: 'truncation/whole-is-not-reset',
    rules: ['R084', 'R012'],
    title: 'a close-delimited body that is whole ends in a clean FIN',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      equal((await client.ask(get10('/whole'))).length, 2_000)
      equal(await client.closed(), 'fin')
    },
  },
  ...['/response-destroyed', '/sized-destroyed'].map(
    (path): Case => ({
      id: `truncation/self-delimited${path.replace('/', '-')}`,
      rules: ['R089', 'R093'],
      title: `a self-delimited body (${path.slice(1)}) that is broken off does not look whole`,
      regression: true,
      run: async (host) => {
        const client = await host.connect()
        void client.send(pipeline(get(path), get('/next')))
        equal((await client.head(0)).status, 200)
        await client.closed()
        equal(client.statuses, '', `${client}`)
      },
    }),
  ),
  wrongLength('/short', 'shorter'),
  wrongLength('/long', 'longer'),
  wrongLength('/long-in-pieces', 'longer, written in pieces,'),
  {
    id: 'truncation/short-shows',
    rules: ['R032', 'R093'],
    title: 'a body shorter than its Content-Length ends the connection instead of leaving the client waiting',
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/short'))
      equal((await client.head(0)).status, 200)
      await client.closed(3_000)
      equal(client.statuses, '')
    },
  },
  {
    id: 'truncation/left-in-peace',
    rules: ['R079', 'R032'],
    title: 'HEAD, 304, compression and multi-byte text with a Content-Length are left in peace',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(
        pipeline(
          ask('HEAD', '/sized'),
          get('/304'),
          get('/compressed'),
          get('/bytes-not-characters'),
          ask('HEAD', '/short'),
          get('/sized'),
        ),
      )
      for (const answer of await client.take(6)) keeps(answer)
      equal(client.statuses, '200 304 200 200 200 200')
      await pass(100)
      equal(client.ending, undefined)
    },
  },
]

/** A response that was broken off must not look like a whole one. */
export const truncation: Case[] = cases.map((one) => ({ routes, ...one }))

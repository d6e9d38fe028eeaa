import { equal, match, ok } from 'node:assert/strict'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { get, get10, pipeline } from '../../support/requests.js'
import { within } from '../../support/wait.js'

const routes: Record<string, Route> = {
  '/streamed': (_req, res) => {
    res.write('one ')
    setImmediate(() => res.end('two'))
  },
  '/gzip-only': (_req, res) => void res.writeHead(200, { 'Transfer-Encoding': 'gzip' }).end('not chunked'),
  '/both-set': (_req, res) => void res.setHeader('Transfer-Encoding', 'chunked').setHeader('Content-Length', 4).end('body'),
  '/both-in-write-head': (_req, res) =>
    void res.writeHead(200, { 'Transfer-Encoding': 'chunked', 'Content-Length': 4 }).end('body'),
  '/both-in-raw-head': (_req, res) =>
    void res.writeHead(200, ['Transfer-Encoding', 'chunked', 'Content-Length', '4']).end('body'),
  '/204-coded': (_req, res) => void res.writeHead(204, { 'Transfer-Encoding': 'chunked' }).end(),
  '/204-sized': (_req, res) => void res.writeHead(204, { 'Content-Length': 0 }).end(),
  '/interim': (_req, res) => {
    res.writeContinue()
    res.writeEarlyHints({ link: '</style.css>; rel=preload' })
    res.writeProcessing()
    res.end('final')
  },
  '/slowly': (_req, res) => {
    res.writeHead(200, { 'Content-Length': 10 })
    res.write('first')
    setTimeout(() => res.end(' last'), 50)
  },
  '/in-crumbs': (_req, res) => {
    for (let crumb = 0; crumb < 20; crumb++) res.write('x')
    res.end()
  },
  '/three-writes': (_req, res) => {
    res.setHeader('Content-Length', 3)
    res.write('a')
    setImmediate(() => {
      res.write('b')
      setImmediate(() => res.end('c'))
    })
  },
}

/** What comes in one piece was sent in one segment, or one TLS record; the reverse need not hold. */
async function piecesOf(client: Client, path: string): Promise<string[]> {
  const pieces: string[] = []
  client.stream.on('data', (piece: Buffer) => pieces.push(piece.toString('latin1')))
  await client.ask(get(path))
  return pieces
}

const cases: Case[] = [
  {
    id: 'conformance/head-and-first-piece-together',
    rules: ['R006'],
    title: 'the head and the first piece of the body go out in one segment',
    regression: true,
    run: async (host) => {
      const [first = ''] = await piecesOf(await host.idleClient(), '/slowly')
      match(first, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nfirst/)
    },
  },
  {
    id: 'conformance/no-crumbs',
    rules: ['R009'],
    title: 'many small writes of one turn do not become many tiny packets',
    regression: true,
    run: async (host) => {
      const client = await host.idleClient()
      const pieces = await piecesOf(client, '/in-crumbs')
      equal(client.last.length, 20)
      ok(pieces.length <= 2, `${pieces.length} pieces`)
    },
  },
  {
    id: 'conformance/no-delay',
    alone: true,
    rules: ['R008', 'R195'],
    title: 'Nagle is off: a small write does not wait for the delayed ACK of the one before (40 ms and more)',
    regression: true,
    run: async (host) => {
      const client = await host.idleClient()
      const times: number[] = []
      for (let time = 0; time < 15; time++) {
        const began = performance.now()
        await client.ask(get('/three-writes'))
        times.push(performance.now() - began)
      }
      const median = times.sort((a, b) => a - b)[7] ?? 0
      ok(median < 35, `half of the answers took ${median.toFixed(1)} ms and more`)
    },
  },
  {
    id: 'conformance/exact-length',
    rules: ['R057'],
    title: 'a body that is known when the head goes out has its exact Content-Length',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const path = `/${'x'.repeat(40)}`
      equal((await client.ask(get(path))).header('content-length'), '41')
      equal(client.last.length, 41)
    },
  },
  {
    id: 'conformance/streamed-is-chunked',
    rules: ['R085', 'R103'],
    title: 'a body of unknown length is chunked in HTTP/1.1, never delimited by the end of the connection',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/streamed'), get('/next')))
      const answer = await client.next()
      equal(answer.header('transfer-encoding'), 'chunked')
      equal(answer.text, 'one two')
      keeps(answer)
      equal((await client.next()).text, '/next')
    },
  },
  {
    id: 'conformance/coding-without-chunked',
    rules: ['R072', 'R044'],
    title: 'a response whose last transfer coding is not chunked is terminated by closing the connection',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/gzip-only'), get('/next')))
      equal((await client.head(0)).header('transfer-encoding'), 'gzip')
      await closesWith(client, await client.next())
      equal(client.last.text, 'not chunked')
    },
  },
  ...['/both-set', '/both-in-write-head', '/both-in-raw-head'].map(
    (path): Case => ({
      id: `conformance/length-beside-coding${path.replace('/', '-')}`,
      rules: ['R078'],
      title: `no Content-Length is sent beside a Transfer-Encoding (${path.slice(1)})`,
      run: async (host) => {
        const client = await host.connect()
        void client.send(pipeline(get(path), get('/next')))
        const answer = await client.next()
        equal(answer.text, 'body')
        const framed = ['content-length', 'transfer-encoding'].filter((name) => answer.header(name) !== undefined)
        equal(framed.length, 1, `both: ${answer}`)
        equal((await client.next()).text, '/next')
      },
    }),
  ),
  ...['/204-coded', '/204-sized'].map(
    (path): Case => ({
      id: `conformance/no-framing-in${path.replace('/', '-')}`,
      rules: ['R073'],
      title: `a 204 has neither Transfer-Encoding nor Content-Length (${path.slice(1)})`,
      run: async (host) => {
        const client = await host.connect()
        const answer = await client.ask(get(path))
        equal(answer.header('transfer-encoding'), undefined)
        equal(answer.header('content-length'), undefined)
      },
    }),
  ),
  {
    id: 'conformance/interim',
    rules: ['R095', 'R073', 'R159'],
    title: 'in HTTP/1.1 interim responses come before the final one, and have no framing of their own',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      equal((await client.ask(get('/interim'))).text, 'final')
      const interim = client.interim.list
      equal(interim.map(({ status }) => status).join(' '), '100 103 102')
      for (const one of interim) equal(one.header('transfer-encoding') ?? one.header('content-length'), undefined)
    },
  },
  {
    id: 'conformance/no-interim-in-http10',
    rules: ['R159'],
    title: 'an HTTP/1.0 client gets no 1xx response',
    run: async (host) => {
      const client = await host.connect()
      const answer = await within(client.ask(get10('/interim')), () => `${client}`)
      equal(client.interim.list.map(({ status }) => status).join(' '), '')
      equal(answer.text, 'final')
      await closesWith(client, answer)
    },
  },
]

/** What may be in a response, and how it goes out. */
export const conformanceResponses: Case[] = cases.map((one) => ({ routes, ...one }))

import { equal, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { ask, get, pipeline } from '../../support/requests.js'

const routes: Record<string, Route> = {
  '/echo': (req, res) => {
    let text = ''
    req.on('data', (chunk: Buffer) => {
      text += chunk
    })
    req.on('end', () => res.end(`${req.method} ${text}`))
  },
  '/needs-a-length': (req, res) => {
    res.statusCode = req.headers['content-length'] === undefined ? 411 : 200
    res.end()
  },
}

const coded = (coding: string, body = '3\r\nabc\r\n0\r\n\r\n') => `${ask('POST', '/echo', `Transfer-Encoding: ${coding}`)}${body}`
const sized = (length: string) => `${ask('POST', '/echo', `Content-Length: ${length}`)}abc`
const bothLengths = ask('POST', '/echo', 'Content-Length: 3', 'Transfer-Encoding: chunked')
const twoLengths = ask('POST', '/echo', 'Content-Length: 3', 'Content-Length: 4')

/** A request that is no request: one error answer, then the end, and what looks like a request behind it is not run. (Fastify does not say close.) */
const refused = (id: string, rules: string[], title: string, bytes: string, status = 400): Case => ({
  id: `conformance/${id}`,
  rules,
  title,
  regression: true,
  run: async (host) => {
    const client = await host.connect()
    void client.send(pipeline(bytes, get('/smuggled')))
    const answer = await client.next()
    equal(answer.status, status)
    equal(await client.closed(), 'fin')
    equal(client.parser.garbage, '')
    ok(!host.paths.includes('/smuggled'), 'what follows was run')
  },
})

const cases: Case[] = [
  {
    id: 'conformance/framing-is-independent-of-the-method',
    rules: ['R070'],
    title: 'whether a request has a body is signalled by Content-Length and Transfer-Encoding alone, whatever the method',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(
        pipeline(
          `${ask('GET', '/echo', 'Content-Length: 3')}abc`,
          `${ask('DELETE', '/echo', 'Transfer-Encoding: chunked')}3\r\ndef\r\n0\r\n\r\n`,
          ask('PUT', '/echo'),
          get('/next'),
        ),
      )
      const answers = await client.take(4)
      equal(answers.map(({ text }) => text).join(', '), 'GET abc, DELETE def, PUT , /next')
    },
  },
  {
    id: 'conformance/chunked-request',
    rules: ['R071'],
    title: 'a chunked request is parsed: sizes in any case, trailers, and the next request right behind it',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const body = '1\r\na\r\n00A\r\n0123456789\r\nb\r\n0123456789a\r\n0\r\nX-Trailer: 1\r\n\r\n'
      void client.send(pipeline(coded('chunked', body), get('/next')))
      equal((await client.next()).text, 'POST a01234567890123456789a')
      keeps(client.last)
      equal((await client.next()).text, '/next')
    },
  },
  {
    id: 'conformance/chunk-extensions',
    rules: ['R090'],
    title: 'unknown chunk extensions are ignored',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(coded('chunked', '3;a;b=c;d="e f"\r\nabc\r\n0;z\r\n\r\n'), get('/next')))
      equal((await client.next()).text, 'POST abc')
      equal((await client.next()).text, '/next')
    },
  },
  {
    id: 'conformance/chunk-extensions-too-long',
    rules: ['R090'],
    title: 'chunk extensions are limited: too many get a 4xx',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(coded('chunked', `3;${'a'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`))
      const answer = await client.next()
      ok(answer.status >= 400 && answer.status < 500, `${answer}`)
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'conformance/transfer-coding-in-http10',
    rules: ['R077'],
    title: 'HTTP/1.0 with a Transfer-Encoding has faulty framing: no keep-alive, whatever was asked',
    run: async (host) => {
      const client = await host.connect()
      const head = 'POST /echo HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n'
      void client.send(pipeline(`${head}3\r\nabc\r\n0\r\n\r\n`, get('/smuggled')))
      await closesWith(client, await client.next())
      ok(!host.paths.includes('/smuggled'), 'what follows was run')
    },
  },
  {
    id: 'conformance/length-required',
    rules: ['R086', 'R070'],
    title: 'an application may answer 411 where neither length is given; the request has no body, and the connection goes on',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(ask('POST', '/needs-a-length'), get('/next')))
      equal((await client.next()).status, 411)
      equal((await client.next()).text, '/next')
    },
  },
  refused(
    'length-and-coding',
    ['R076'],
    'a request with both Content-Length and Transfer-Encoding is rejected and the connection closed',
    `${bothLengths}3\r\nabc\r\n0\r\n\r\n`,
  ),
  refused(
    'coding-does-not-end-in-chunked',
    ['R081'],
    'a request whose final transfer coding is not chunked gets 400 and the connection closes',
    coded('chunked, gzip'),
  ),
  refused(
    'two-lengths',
    ['R082'],
    'two Content-Length fields that differ get 400 and the connection closes',
    `${twoLengths}abcd`,
  ),
  ...['-1', '+3', '3, 4', '0x3', '3 3', '', '99999999999999999999999'].map((length, index) =>
    refused(
      `invalid-length-${index + 1}`,
      ['R082'],
      `an invalid Content-Length (${length || 'empty'}) gets 400 and the connection closes`,
      sized(length),
    ),
  ),
  ...['FFFFFFFFFFFFFFFFF', '10000000000000003', '-3', '0x3'].map((size) =>
    refused(
      `chunk-size-${size.toLowerCase()}`,
      ['R088'],
      `an impossible chunk size (${size}) does not wrap around: 400 and the connection closes`,
      coded('chunked', `${size}\r\nabc\r\n0\r\n\r\n`),
    ),
  ),
  {
    id: 'conformance/unknown-transfer-coding',
    rules: ['R074'],
    title: 'a request with a transfer coding that the server does not understand gets 501, and the connection closes',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(coded('unheard-of, chunked'), get('/smuggled')))
      const answer = await client.next()
      equal(answer.status, 501)
      await closesWith(client, answer)
    },
  },
]

/** Where a request ends (RFC 9112 sections 6 and 7): whoever reads another end than the sender runs a request that nobody sent. */
export const conformanceRequests: Case[] = cases.map((one) => ({ routes, ...one }))

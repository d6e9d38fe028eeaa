import { equal, match, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { ask, get, get10, pipeline } from '../../support/requests.js'

const sized: Route = (_req, res) => res.setHeader('Content-Length', 2).end('ok')
const routes: Record<string, Route> = {
  '/sized': sized,
  '/close': (_req, res) => res.setHeader('Connection', 'close').end('bye'),
  '/insists': (_req, res) => res.setHeader('Connection', 'keep-alive').setHeader('Content-Length', 2).end('ok'),
  '/insists-in-write-head': (_req, res) => res.writeHead(200, { Connection: 'keep-alive', 'Content-Length': 2 }).end('ok'),
  '/insists-in-raw-head': (_req, res) => res.writeHead(200, ['Connection', 'keep-alive', 'Content-Length', '2']).end('ok'),
  '/unframed': (_req, res) => {
    res.removeHeader('Transfer-Encoding') // Node then delimits by closing
    res.write('to the ')
    res.end('end')
  },
  '/streamed': (_req, res) => {
    res.write('one ')
    res.end('two')
  },
}

/** Persist or close: decided from everything the request, the response and the policy say (RFC 9112 section 9.3). */
const cases: Case[] = [
  ...['close', 'Close', 'foo, CLOSE', 'keep-alive, close', 'close, keep-alive'].map(
    (value): Case => ({
      id: `persist/request-says-${value.replaceAll(/\W+/g, '-').toLowerCase()}${value === 'Close' ? '-capital' : ''}`,
      rules: ['R098', 'R118', 'R119', 'R133', 'R014'],
      title: `Connection: ${value} in the request closes, and the answer says so`,
      regression: true,
      run: async (host) => {
        const client = await host.connect()
        await closesWith(client, await client.ask(get('/sized', `Connection: ${value}`)))
      },
    }),
  ),
  {
    id: 'persist/close-in-a-second-field',
    rules: ['R098', 'R013'],
    title: 'close counts in any Connection field, also in the second one',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get('/sized', 'Connection: keep-alive', 'Connection: x, close')))
    },
  },
  {
    id: 'persist/http10-close-wins',
    rules: ['R098', 'R101'],
    title: 'close beside keep-alive closes in HTTP/1.0 as well',
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get10('/sized', 'Connection: keep-alive, close')))
    },
  },
  {
    id: 'persist/http10-granted',
    rules: ['R022', 'R024', 'R100', 'R180'],
    title: 'HTTP/1.0 that asks for keep-alive gets it, and is told',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      for (let time = 1; time <= 3; time++) {
        const answer = await client.ask(get10('/sized', 'Connection: Keep-Alive'))
        match(answer.header('connection') ?? '', /^keep-alive$/i)
      }
    },
  },
  {
    id: 'persist/http10-not-asked',
    rules: ['R023', 'R101'],
    title: 'HTTP/1.0 without keep-alive is closed, whatever Connection field the handler sets',
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get10('/insists')))
    },
  },
  {
    id: 'persist/http10-refused',
    rules: ['R025', 'R024'],
    title: "http10: 'refuse' closes after every HTTP/1.0 response",
    options: { keepAlive: { http10: 'refuse' } },
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get10('/sized', 'Connection: keep-alive')))
    },
  },
  {
    id: 'persist/http10-ignored',
    rules: ['R034', 'R033'],
    title: "http10: 'ignore' disregards every Connection field of HTTP/1.0",
    options: { keepAlive: { http10: 'ignore' } },
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get10('/sized', 'Connection: keep-alive')))
    },
  },
  {
    id: 'persist/http10-unsized',
    rules: ['R181', 'R031', 'R075'],
    title: 'HTTP/1.0 with keep-alive is closed all the same if only the end of the connection shows the end of the body',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const asked = client.ask(get10('/streamed', 'Connection: keep-alive'))
      await closesWith(client, await asked)
      equal(client.last.header('transfer-encoding'), undefined)
      equal(client.last.text, 'one two')
    },
  },
  {
    id: 'persist/unframed',
    rules: ['R031', 'R044', 'R103', 'R117'],
    title: 'a response whose framing cannot show its end says close, and is closed',
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get('/unframed')))
      equal(client.last.text, 'to the end')
    },
  },
  {
    id: 'persist/proxy-connection-does-not-keep',
    rules: ['R038', 'R132'],
    title: 'Proxy-Connection: keep-alive does not make HTTP/1.0 persistent',
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get10('/sized', 'Proxy-Connection: keep-alive')))
    },
  },
  {
    id: 'persist/handler-closes',
    rules: ['R041', 'R121'],
    title: 'a handler that says close is obeyed',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get('/close')))
    },
  },
  ...['/insists', '/insists-in-write-head', '/insists-in-raw-head'].map(
    (path): Case => ({
      id: `persist/handler-overrules-request${path.slice('/insists'.length)}`,
      rules: ['R098', 'R119'],
      title: `a handler's Connection: keep-alive (${path.slice(1)}) does not overrule the request's close`,
      run: async (host) => {
        const client = await host.connect()
        await closesWith(client, await client.ask(get(path, 'Connection: close')))
      },
    }),
  ),
  {
    id: 'persist/handler-overrules-limit',
    rules: ['R117', 'R121'],
    title: "a handler's Connection: keep-alive does not overrule the request limit",
    options: { keepAlive: { maxRequests: 1 } },
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get('/insists')))
    },
  },
  {
    id: 'persist/no-body-by-definition',
    rules: ['R079', 'R099'],
    title: 'HEAD, 204 and 304 have no body and keep the connection',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(ask('HEAD', '/sized'), get('/204'), get('/304'), get('/sized')))
      for (const answer of await client.take(4)) keeps(answer)
      equal(client.statuses, '200 204 304 200')
      equal(client.parser.garbage, '')
    },
  },
  {
    id: 'persist/leading-line-break',
    rules: ['R067'],
    title: 'an empty line before a request is ignored',
    regression: true,
    run: async (host) => {
      const client = await host.idleClient()
      keeps(await client.ask(`\r\n${get('/sized')}`))
      ok(host.paths.includes('/sized'))
    },
  },
]

const bodiless: Record<string, Route> = {
  '/204': (_req, res) => res.writeHead(204).end(),
  '/304': (_req, res) => res.writeHead(304, { 'Content-Length': 100 }).end(),
}

export const persist: Case[] = cases.map((one) => ({ routes: { ...routes, ...bodiless }, ...one }))

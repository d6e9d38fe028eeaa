import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import type { Route } from '../../support/host.js'
import { get, pipeline } from '../../support/requests.js'
import { until, within } from '../../support/wait.js'

const routes: Record<string, Route> = {
  '/later': (_req, res) => void setTimeout(() => res.end('at last'), 200),
}

/** close_notify, and no FIN: TCP stays open. */
function sayGoodbye({ raw, stream }: Client): void {
  Reflect.set(raw, 'end', () => raw)
  stream.end()
}

const cases: Case[] = [
  ...(['TLSv1.2', 'TLSv1.3'] as const).map(
    (version): Case => ({
      id: `conformance/half-closed-${version === 'TLSv1.2' ? 'tls12' : 'tls13'}`,
      rules: ['R198', 'R189'],
      title: `${version}: a client that sends two requests, close_notify and FIN gets both answers, then close_notify and FIN`,
      run: async (host) => {
        const client = await host.connect({ secure: { maxVersion: version } })
        equal(client.secured.getProtocol(), version)
        void client.send(pipeline(get('/later'), get('/second')))
        client.fin()
        deepEqual(
          (await client.take(2)).map(({ text }) => text),
          ['at last', '/second'],
        )
        equal(await client.closed(), 'fin')
        ok(client.closeNotify)
      },
    }),
  ),
  {
    id: 'conformance/half-closed-without-fin',
    rules: ['R198'],
    title: 'a client that sends close_notify behind its request, but no FIN, gets its answer, then close_notify and FIN',
    run: async (host) => {
      const client = await host.connect()
      void client.send(get('/later'))
      sayGoodbye(client)
      equal((await client.next()).text, 'at last')
      equal(await client.closed(), 'fin')
      ok(client.closeNotify)
    },
  },
  {
    id: 'conformance/half-closed-without-alert',
    rules: ['R129', 'R189'],
    title: 'a client that sends FIN behind its request, but no close_notify, gets its answer all the same',
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/later'))
      client.raw.end()
      equal((await client.next()).text, 'at last')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'conformance/half-closed-with-the-handshake',
    rules: ['R198', 'R204'],
    title: 'where request, close_notify and FIN come right behind the handshake, the request is answered',
    run: async (host) => {
      const stream = connectTls({ port: host.port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {})
      let text = ''
      stream.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk
      })
      stream.end(get('/later'))
      await within(once(stream, 'end'), () => 'the end').finally(() => stream.destroy())
      match(text, /^HTTP\/1\.1 200 OK\r\n/)
      ok(text.endsWith('at last'))
    },
  },
  {
    id: 'conformance/half-closed-idle-tls',
    rules: ['R113', 'R197'],
    title: 'an idle client that says close_notify, and leaves TCP open, is answered with close_notify and FIN at once',
    regression: true,
    options: { halfClosed: 20_000, linger: { quiet: 20_000 } },
    run: async (host) => {
      const client = await host.idleClient()
      sayGoodbye(client)
      equal(await client.closed(), 'fin')
      ok(client.closeNotify)
      client.destroy()
      await until('the connection gone', async () => (await host.openConnections()) === 0)
    },
  },
]

/** In TLS 1.3 close_notify ends one direction (RFC 8446 section 6.1), as FIN does in TCP; clients of TLS 1.2 mean the same by it. */
export const conformanceTlsHalfClosed: Case[] = cases.map((one) => ({ routes, hosts: ['https'], ...one }))

import { equal, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { get, postHead } from '../../support/requests.js'
import { until } from '../../support/wait.js'

const routes: Record<string, Route> = {
  '/later': (_req, res) => void setTimeout(() => res.end('at last'), 300),
  '/endless': (_req, res) => void res.writeHead(200).write('to be continued'),
}

const cases: Case[] = [
  {
    id: 'conformance/tls-incomplete-close-of-ours',
    rules: ['R128', 'R066'],
    title: 'after its closure alert the server need not wait for that of the client: one that stays is let go',
    regression: true,
    options: { linger: { quiet: 500 } },
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      await closesWith(client, await client.ask(get('/a', 'Connection: close')))
      ok(client.closeNotify)
      await until('the server to let go', async () => (await host.openConnections()) === 0)
    },
  },
  {
    id: 'conformance/tls-incomplete-close-of-theirs',
    rules: ['R129', 'R083'],
    title:
      'a client that ends without a closure alert, idle or in the middle of an upload, harms nobody; the upload is not complete',
    regression: true,
    run: async (host) => {
      const idle = await host.idleClient()
      const upload = await host.connect()
      await upload.send(`${postHead('/upload', 100)}only this`)
      const { req } = await host.request('/upload')
      idle.raw.end()
      upload.raw.end()
      await until('both to be gone', async () => (await host.openConnections()) === 0)
      ok(!req.complete)
      keeps(await (await host.connect()).ask(get('/alive')))
    },
  },
  ...(['TLSv1.2', 'TLSv1.3'] as const).map(
    (version): Case => ({
      id: `conformance/tls-cut-without-alert${version === 'TLSv1.2' ? '-tls12' : ''}`,
      rules: ['R199', 'R130'],
      title: `${version}: a response that is cut at the deadline ends without a closure alert, so that the truncation shows`,
      options: { drain: { deadline: 400 } },
      run: async (host) => {
        const client = await host.connect({ secure: { maxVersion: version } })
        await client.send(get('/endless'))
        await client.head(0)
        void host.stop()
        await client.closed()
        ok(!client.closeNotify, 'the alert would say that this was all')
        equal(client.statuses, '')
      },
    }),
  ),
  {
    id: 'conformance/tls-data-after-alert',
    rules: ['R200', 'R198'],
    title: 'what comes after a closure alert is ignored, and the pending answer still goes out',
    run: async (host) => {
      const client = await host.connect()
      void client.send(get('/later'))
      await host.request('/later')
      const { raw } = client
      const end = raw.end.bind(raw)
      // Between the alert and the FIN.
      Reflect.set(raw, 'end', (...args: []) => {
        if (raw.writable) raw.write('this is no record')
        return end(...args)
      })
      client.fin()
      equal((await client.next()).text, 'at last')
      equal(await client.closed(), 'fin')
    },
  },
]

/** How HTTP over TLS ends (RFC 9112 section 9.8, RFC 8446 section 6.1). */
export const conformanceTls: Case[] = cases.map((one) => ({ routes, hosts: ['https'], ...one }))

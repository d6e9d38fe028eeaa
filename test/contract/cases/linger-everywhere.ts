import { equal, ok } from 'node:assert/strict'
import { type Case, withInterval } from '../../support/contract.js'
import { closesWith } from '../../support/expect.js'
import { get } from '../../support/requests.js'

const MiB = 1024 * 1024

/** The output-first close applies to every close that we start, TLS included. */
export const lingerEverywhere: Case[] = [
  {
    id: 'linger/close-notify-at-idle-end',
    rules: ['R127', 'R197', 'R112'],
    title: 'over TLS an idle connection ends with close_notify, then FIN',
    hosts: ['https'],
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient()
      equal(await client.closed(), 'fin')
      ok(client.closeNotify, 'a bare FIN, which could be an attack')
    },
  },
  {
    id: 'linger/close-notify-after-close',
    rules: ['R127', 'R197', 'R126'],
    title: 'over TLS a closing answer is followed by close_notify, then FIN',
    hosts: ['https'],
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get('/a', 'Connection: close')))
      ok(client.closeNotify, 'a bare FIN, which could be an attack')
    },
  },
  ...(
    [
      ['400', 'nonsense\r\n\r\n', {}],
      ['431', `GET /a HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(20_000)}`, {}],
      [
        '408',
        'GET /a HTTP/1.1\r\nHost:',
        { hosts: withInterval, server: { headersTimeout: 300, requestTimeout: 5_000, connectionsCheckingInterval: 50 } },
      ],
    ] as const
  ).map(
    ([status, bytes, more]): Case => ({
      id: `linger/after-${status}`,
      rules: ['R062', 'R065', 'R116', 'R190'],
      title: `a ${status} is an output-first close too: what the client goes on sending does not reset it`,
      ...more,
      run: async (host) => {
        const client = await host.connect({ obliging: false })
        await client.send(bytes)
        const answer = await client.next()
        equal(answer.status, Number(status))
        equal(await client.closed(), 'fin')
        const poured = await client.pour(Buffer.alloc(64 * 1024, 'x'), 12 * MiB)
        equal(poured.end, 'limit', `reset after ${poured.taken} bytes\n${client}`)
      },
    }),
  ),
]

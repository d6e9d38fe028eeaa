import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { once } from 'node:events'
import type { Server } from 'node:http'
import supertest from 'supertest'
import { type Case, plain } from '../../support/contract.js'
import { keeps } from '../../support/expect.js'
import { get } from '../../support/requests.js'
import { within } from '../../support/wait.js'

const closed = (server: Server): Promise<Error | undefined> =>
  within(
    new Promise((resolve) => {
      server.close(resolve)
    }),
    () => 'the callback of close()',
  )

/** A server that was closed may listen again: tests do it. */
export const listen: Case[] = [
  {
    id: 'listen/again',
    rules: ['R202', 'R020'],
    title: 'a server that was closed listens again: a new life, in which connections persist and the end is told once more',
    regression: true,
    hosts: [...plain, 'express4', 'express5'],
    run: async (host) => {
      let ends = 0
      host.server.on('close', () => ends++)
      for (const life of [1, 2, 3]) {
        const client = await host.idleClient()
        keeps(client.first, 'timeout=5')
        keeps(await client.ask(get('/second')))
        const before = host.bare ? undefined : host.connections.signal
        if (!host.bare) deepEqual([host.connections.state, host.connections.ready, before?.aborted], ['serving', true, false])
        client.fin()
        await client.closed()
        equal(await closed(host.server), undefined)
        equal(ends, life)
        if (!host.bare) deepEqual([host.connections.state, before?.aborted], ['drained', true])
        host.server.listen(0, '127.0.0.1')
        await once(host.server, 'listening')
        if (!host.bare) notEqual(host.connections.signal, before)
      }
      const last = await host.idleClient()
      keeps(last.first, 'timeout=5')
    },
  },
  {
    id: 'listen/supertest',
    rules: ['R202', 'R020'],
    title: 'supertest, which listens and closes for every request, gets an answer every time',
    regression: true,
    hosts: plain,
    run: async (host) => {
      equal(await closed(host.server), undefined)
      for (const path of ['/1', '/2', '/3']) {
        const { status, text } = await supertest(host.server).get(path).disableTLSCerts()
        deepEqual([status, text], [200, path])
      }
      host.server.listen(0, '127.0.0.1')
      await once(host.server, 'listening')
    },
  },
]

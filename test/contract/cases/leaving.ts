import { deepEqual, ok } from 'node:assert/strict'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { get } from '../../support/requests.js'
import { pass, until } from '../../support/wait.js'

const promised = (field: string | undefined): number => Number(/timeout=(\d+)/.exec(field ?? '')?.[1] ?? 0) * 1_000

/** Between the signal and the listener's close. */
export const leaving: Case[] = [
  {
    id: 'leaving/told-gradually',
    rules: ['R005', 'R052', 'R117'],
    title: 'connections are told to go one after another over the delay, each by an answer that says close, none by a silent FIN',
    // Beyond what a machine may stand still: whoever was not told keeps its connection for the promise.
    options: { keepAlive: { timeout: 30_000 }, drain: { delay: 1_500, deadline: 60_000 } },
    run: async (host) => {
      let open: Client[] = await Promise.all(Array.from({ length: 20 }, () => host.idleClient()))
      void host.stop()
      await until('leaving', () => host.connections.state === 'leaving')
      const all = open.length
      while (open.length > 0 && host.connections.state === 'leaving') {
        const still: Client[] = []
        for (const client of open) if (!(await client.ask(get('/again'))).closes) still.push(client)
        // Told all at once they would all come back at once, to whoever is left.
        if (open.length === all) ok(still.length > 0, 'told all at once')
        open = still
        await pass(50)
      }
      ok(open.length < all, 'nobody was told before the listener closed')
      for (const client of open) ok((await client.ask(get('/late'))).closes)
    },
  },
  {
    id: 'leaving/no-long-promise',
    slow: true,
    rules: ['R027', 'R187'],
    title: 'where the drain will not keep idle connections, nothing is promised beyond the close of the listener',
    options: { keepAlive: { timeout: 30_000 }, drain: { delay: 2_500, idle: 0 } },
    run: async (host) => {
      void host.stop()
      await until('leaving', () => host.connections.state === 'leaving')
      while (host.connections.state === 'leaving') {
        const began = performance.now()
        const client = await host.connect()
        const answer = await client.ask(get('/leaving'))
        ok(promised(answer.header('keep-alive')) <= 2_500, `${answer} ${performance.now() - began} ms`)
        await pass(100)
      }
      const { promisesBroken, clean } = await host.report()
      deepEqual([{ ...promisesBroken }, clean], [{}, true])
    },
  },
]

import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { WarningEvent } from '@halfclose/core'
import type { Case } from '../../support/contract.js'
import type { Route } from '../../support/host.js'
import { get } from '../../support/requests.js'
import { until } from '../../support/wait.js'

const CODE = 'HALFCLOSE_CONTENT_LENGTH'
/** This file is loaded once per host, and the case runs once on each. */
const logged: string[] = []
const logger = { info: () => {}, warn: (_fields: object, message: string) => void logged.push(message) }

const routes: Record<string, Route> = {
  '/short': (_req, res) => void res.writeHead(200, { 'Content-Length': 100 }).end('short'),
  '/long': (_req, res) => {
    res.setHeader('Content-Length', 4)
    for (const piece of ['1234', '5678', '9abc']) res.write(piece)
    res.end('def')
  },
}

/** What the handle says of an application's mistake. */
export const statsWarnings: Case[] = [
  {
    id: 'stats/content-length-warning',
    rules: ['R032', 'R087'],
    title: "a body that differs from its Content-Length is told in a 'warning' event once per response, and logged once per path",
    options: { logger },
    routes,
    run: async (host) => {
      const warnings: WarningEvent[] = []
      logged.length = 0
      host.connections.on('warning', (warning) => warnings.push(warning))
      for (const path of ['/short?secret=1', '/long', '/short?secret=2', '/long']) {
        const client = await host.connect()
        await client.send(get(path))
        await client.closed()
      }
      deepEqual(
        warnings.map(({ code }) => code),
        [CODE, CODE, CODE, CODE],
      )
      const [short, long] = warnings
      match(short?.message ?? '', /GET \/short is shorter/)
      match(long?.message ?? '', /GET \/long is longer/)
      const told = logged.filter((message) => message.includes('Content-Length'))
      equal(told.length, 2, told.join('\n'))
      ok(!told.join().includes('secret'))
      await until('four closed', () => host.connections.stats().connections.closed === 4)
      deepEqual(host.connections.stats().closes, { 'content-length': 4 })
    },
  },
]

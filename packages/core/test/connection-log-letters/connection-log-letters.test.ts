import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { CloseEvent, Connections } from '@halfclose/core'
import { exposition } from '@halfclose/core/metrics'
import { playOn } from '../../../../test/support/case.js'
import { H2Host } from '../../../../test/support/h2/host.js'
import { Host } from '../../../../test/support/host.js'
import { quiet } from '../../../../test/support/server.js'
import { patience, within } from '../../../../test/support/wait.js'
import { connectionFlags } from '../../src/events/connection-log-line.js'
import * as http1 from './http1.js'
import * as http2 from './http2.js'

// The letters of docs/connection-log.md: every combination that can occur is provoked on the wire, and so is every `error.type` of the metrics.

const told = ({ reason, first, state, request, reset, promise, code }: CloseEvent) =>
  `${reason} ${first} ${state} ${request ?? '-'} ${reset ? 'reset' : 'fin'} ${promise} ${code ?? ''}`

/** Plays a way, and returns its letters, and the `error.type` of the one connection that has ended. */
async function lettersOf(connections: Connections, act: () => unknown, client: { toString(): string }) {
  exposition(connections)
  const closed = new Promise<CloseEvent>((resolve) => connections.once('close', resolve))
  await act()
  const event = await within(closed, () => `the close event\n${client}`, 3 * patience)
  const [, failure] = /duration_seconds_count\{.*error_type="(\w+)".*\} 1$/m.exec(exposition(connections)) ?? []
  return { letters: connectionFlags(event), failure, event: told(event) }
}

describe.each(['http', 'https'] as const)('on %s', (name) => {
  for (const [letters, ways] of Object.entries(http1.ways))
    for (const [at, { options, server, obliging, failure, act }] of ways.entries())
      it.concurrent(`${letters} ${at}`, async () => {
        const host = await Host.start(name, 'halfclose', { options: { logger: quiet, ...options }, server, routes: http1.routes })
        const run = async () => {
          const client = await host.connect(obliging === false ? { obliging } : {})
          const got = await lettersOf(host.connections, () => act(client, host), client)
          expect(got).toEqual({ letters, failure, event: expect.any(String) })
        }
        await playOn(host, { id: letters, rules: [], title: letters, run })
      }, 60_000)
})

describe.each(['http2', 'https2'] as const)('on %s', (name) => {
  for (const [letters, ways] of Object.entries(http2.ways))
    for (const [at, { options, failure, act }] of ways.entries())
      it.concurrent(`${letters} ${at}`, async () => {
        const host = await H2Host.start(name, 'halfclose', { options: { logger: quiet, ...options }, routes: http2.routes })
        const run = async () => {
          const client = await host.connect()
          const got = await lettersOf(host.connections, () => act(client, host), client)
          expect(got).toEqual({ letters, failure, event: expect.any(String) })
        }
        await playOn(host, { id: letters, rules: [], title: letters, run })
      }, 60_000)
})

test('docs/connection-log.md has a table of the combinations that can occur: these, and no others', () => {
  const docs = readFileSync(path.join(__dirname, '../../../../docs/connection-log.md'), 'utf8')
  const [, table = ''] = /## All combinations\n([\s\S]*)/.exec(docs) ?? []
  const inTable = [...table.matchAll(/`([-\w]{2}-[-kB])`/g)].map(([, letters = '']) => letters)
  expect(inTable.sort()).toEqual([...new Set([...Object.keys(http1.ways), ...Object.keys(http2.ways)])].sort())
})

/** Why no connection can have these letters; `undefined`: some do. */
function impossible(cause: string, place: string, promise: string): string | undefined {
  if (promise !== '-' && place !== 'I' && place !== 'L') return 'only an idle connection has a promise'
  if (promise === 'B' && '-CcP'.includes(cause)) return 'the client ends it, or the server when the promise is over'
  const places: Readonly<Record<string, string>> = {
    '-': 'NI', // a client that leaves amid a request is C
    C: 'NRHDILU',
    c: 'NRHDIL', // of another protocol the server has no patience to lose
    P: 'DL', // decided with the head of the last response
    D: 'NDILU', // a drain waits for requests
    K: 'NRHDILU',
    A: 'NRHDILU',
    L: 'NDIL', // a request over a limit is refused with its head; an upgrade is so, too
    E: 'NRDIL', // what the application has is whole
  }
  if (!places[cause]?.includes(place)) return 'the table above'
  if (promise !== '-' && (cause === 'P' || cause === 'E' || (cause === 'C' && place === 'L'))) return 'it was not idle'
  return undefined
}

test('every combination of letters is provoked, or there is a reason why it cannot occur', () => {
  const provoked = new Set([...Object.keys(http1.ways), ...Object.keys(http2.ways)])
  for (const cause of '-CcPDKALE')
    for (const place of 'NRHDILU')
      for (const promise of '-kB') {
        const letters = `${cause}${place}-${promise}`
        expect([letters, impossible(cause, place, promise) === undefined]).toEqual([letters, provoked.has(letters)])
      }
})

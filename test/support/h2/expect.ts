import { deepEqual, equal, fail } from 'node:assert/strict'
import type { Report } from '@halfclose/core'
import { patience, within } from '../wait.js'
import type { FrameClient } from './client.js'
import type { FrameOf } from './frames.js'
import type { H2Host } from './host.js'

/** The server ended the session without an error, by one GOAWAY or more, and no later one took back an earlier one (RFC 9113 §6.8). */
export async function announced(client: FrameClient, code = 0): Promise<FrameOf<'GOAWAY'>> {
  const goaway = await client.frame('GOAWAY')
  equal(goaway.code, code, `${client}`)
  return goaway
}

/** After its GOAWAY the session ended output first: FIN, over TLS close_notify before it. */
export async function endsWith(client: FrameClient, last: number): Promise<void> {
  equal(await client.closed(), 'fin', `${client}`)
  const told = client.goaways
  deepEqual([told[0]?.code, told.at(-1)?.last], [0, last], `${client}`)
  if (client.connection.stream !== client.connection.raw && !client.connection.closeNotify) fail(`no close_notify\n${client}`)
}

/** The meaning of a GOAWAY holds: every stream up to the last one was run once and answered whole, and no other one was run. */
export function keptItsWord(host: H2Host, client: FrameClient, pathOf: (stream: number) => string): void {
  const last = client.goaways.at(-1)?.last ?? fail(`no GOAWAY\n${client}`)
  for (const stream of client.opened) {
    const runs = host.paths.filter((path) => path === pathOf(stream)).length
    const { whole, status } = client.of(stream)
    const found = { stream, runs, whole, status }
    const wanted = stream <= last ? { runs: 1, whole: true, status: 200 } : { runs: 0, whole: false, status: 0 }
    deepEqual(found, { stream, ...wanted }, `last stream ${last}\n${client}`)
  }
}

/** The server has stopped. With halfclose the report has these fields, among others. */
export async function drained(host: H2Host, report: Partial<Report> = {}): Promise<void> {
  await within(host.stop(), () => 'stop() to end', 3 * patience)
  if (host.bare) return
  const said = await host.connections.drain()
  const wanted = { clean: true, promisesBroken: {}, ...report }
  deepEqual({ ...said, ...wanted }, said)
}

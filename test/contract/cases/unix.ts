import { equal } from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Host, Route } from '../../support/host.js'
import { get, get10 } from '../../support/requests.js'

const routes: Record<string, Route> = {
  '/breaks-off': (_req, res) => {
    res.write('part')
    setTimeout(() => res.destroy(), 50)
  },
  '/breaks-off-socket': (req, res) => {
    res.write('part')
    setTimeout(() => req.socket.destroy(new Error('broken off')), 50)
  },
}

/** One more server, on a unix domain socket. */
async function onUnixSocket(host: Host): Promise<string> {
  const path = join(tmpdir(), `halfclose-${randomUUID()}.sock`)
  await host.another({ path })
  return path
}

/** A unix domain socket has neither an address nor a reset. */
const cases: Case[] = [
  {
    id: 'unix/breaks-off',
    rules: ['R058', 'R093'],
    title: 'cutting a close-delimited body on a unix domain socket throws nothing and ends the connection',
    regression: true,
    hosts: ['http'],
    run: async (host) => {
      const path = await onUnixSocket(host)
      for (const target of ['/breaks-off', '/breaks-off-socket']) {
        const client = await host.connectTo(path)
        await client.send(get10(target))
        equal((await client.head(0)).status, 200)
        await client.closed()
      }
      keeps(await (await host.connectTo(path)).ask(get('/alive')))
    },
  },
  {
    id: 'unix/drain',
    rules: ['R202', 'R203'],
    title: 'a drain answers what is in flight on a unix domain socket, and cuts what is left at the deadline',
    hosts: ['http'],
    options: { drain: { deadline: 1_000 } },
    run: async (host) => {
      const path = await onUnixSocket(host)
      const [answered, cut] = [await host.connectTo(path), await host.connectTo(path)]
      await answered.send(get('/held/answered'))
      await cut.send(get10('/held/cut'))
      const { res } = await host.request('/held/answered')
      const { res: never } = await host.request('/held/cut')
      never.write('part')
      await cut.head(0)
      await host.stopping()
      res.end('in time')
      await closesWith(answered, await answered.next())
      const { requests, heldBy, clean } = await host.report()
      equal(clean, false)
      equal(requests.cut, 1)
      equal(heldBy[0]?.remote, 'a unix domain socket')
      await cut.closed()
    },
  },
]

export const unix: Case[] = cases.map((one) => ({ routes, ...one }))

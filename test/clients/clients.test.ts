import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { Host, type Route } from '../support/host.js'
import { pass, within } from '../support/wait.js'
import type { Outcome, RealClient, Session } from './client.js'
import { agent, builtInFetch, undici } from './in-process.js'
import { python } from './python.js'

const SIZE = 8_000_000
const PROMISE = 4_000
/** Where nobody waits for its end: on a busy machine undici and fetch, which leave two seconds early, are not to leave amid the test. */
const LONG = 12_000

const routes: Record<string, Route> = {
  '/refuse': (_req, res) => void res.writeHead(413).end('too much'),
  '/refuse-and-close': (_req, res) => void res.writeHead(413, { Connection: 'close' }).end('too much'),
}

async function meet(
  client: RealClient,
  scheme: 'http' | 'https',
  run: (session: Session, host: Host) => Promise<void>,
  timeout = PROMISE,
): Promise<void> {
  const options = { keepAlive: { timeout }, drain: { delay: 0 } }
  const host = await Host.start(scheme, 'halfclose', { options, routes })
  const session = await client.open(new URL(`${scheme}://127.0.0.1:${host.port}`))
  try {
    await run(session, host)
  } finally {
    await session.end()
    await host.dispose()
  }
}

const answered = (body: string, outcome: Outcome): boolean => {
  if ('failed' in outcome) throw new Error(`${body}: the client failed: ${outcome.failed}`)
  deepEqual([outcome.status, outcome.body], [200, body])
  return outcome.closes
}

const refused = async (client: RealClient, session: Session): Promise<void> => {
  const outcome = await session.get('/nobody-there')
  ok('failed' in outcome, `answered by a server that has drained: ${JSON.stringify(outcome)}`)
  match(outcome.failed, client.refused)
}

async function drained(host: Host): Promise<void> {
  const { clean, promisesBroken } = await host.report()
  deepEqual({ clean, promisesBroken }, { clean: true, promisesBroken: {} })
}

async function refusesUploads(session: Session): Promise<void> {
  for (const path of ['/refuse', '/refuse-and-close']) {
    for (let i = 0; i < 4; i++) {
      const outcome = await session.post(path, SIZE)
      if ('failed' in outcome) throw new Error(`${path}: the client failed: ${outcome.failed}`)
      deepEqual([outcome.status, outcome.body], [413, 'too much'])
      if (path === '/refuse-and-close') ok(outcome.closes)
      answered('/after', await session.get('/after'))
    }
  }
}

/** Milliseconds by which a machine is late before the client, and not the server, is late for a promise of 4 s that is kept for 5. */
const LATE = 400
const TRIES = 5

/** Asks, waits, and asks again. Where the machine stood still meanwhile the client came after the promise: that says nothing, and is tried again. */
async function idles(client: RealClient, session: Session, host: Host, ms: number): Promise<void> {
  for (let tries = 1; ; tries++) {
    const [first, again] = [`/first/${ms}/${tries}`, `/again/${ms}/${tries}`]
    const began = performance.now()
    ok(!answered(first, await session.get(first)))
    await pass(ms)
    const outcome = await session.get(again)
    if ('failed' in outcome && performance.now() - began > ms + LATE && tries < TRIES) continue
    ok(!answered(again, outcome))
    if (ms > client.reusesWithin || performance.now() - began > ms + LATE) return
    const sockets = [await host.request(first), await host.request(again)].map(({ req }) => req.socket)
    ok(sockets[0] === sockets[1], `another connection after ${ms} ms`)
    return
  }
}

async function loops(client: RealClient, session: Session, host: Host): Promise<void> {
  let last: Outcome = { failed: 'not begun' }
  for (let count = 0; count < 500; count++) {
    // Not amid the turns in which the listener closes: undici never reuses a connection again after it was once told close.
    if (count === 10) await host.stopping()
    const path = `/${count}`
    const posts = count % 3 === 0
    const outcome = posts ? await session.post(path, 10) : await session.get(path)
    if ('failed' in outcome) {
      match(outcome.failed, client.refused)
      break
    }
    answered(posts ? `${path} 10` : path, outcome)
    last = outcome
  }
  ok('closes' in last && last.closes, `the last answer was no close: ${JSON.stringify(last)}`)
  ok(!host.server.listening, 'never refused')
  await within(drained(host), () => 'the drain')
}

async function comesLate(client: RealClient, session: Session, host: Host): Promise<void> {
  ok(!answered('/first', await session.get('/first')))
  await host.stopping()
  ok(answered('/late', await session.get('/late')), 'not told close')
  await refused(client, session)
  await within(drained(host), () => 'the drain')
  const { requests } = await host.report()
  equal(requests.rescued, 1)
}

/** Around what was promised: undici, Agent and fetch go by it and open a new connection in time, the others do not. */
const WAITS = [500, 1_500, 2_500, 3_500, 3_900, 4_000, 4_200]

describe('real clients', () => {
  for (const client of [undici, agent, builtInFetch, python]) {
    for (const scheme of client.schemes) {
      const skipped = client.missing === undefined ? '' : `, skipped: ${client.missing}`
      const it = (title: string, run: () => Promise<void>) =>
        (skipped ? test.skip : test.concurrent)(`${client.name}, ${scheme}${skipped}: ${title}`, run)

      it('an upload of 8 MB that is refused early: sees the 413, and the next request is answered', () =>
        meet(client, scheme, (session) => refusesUploads(session)))
      it('idle around the 4 s that were promised: no error', async () => {
        await Promise.all(WAITS.map((ms) => meet(client, scheme, (session, host) => idles(client, session, host, ms))))
      })
      it('a drain amid a loop of requests: every one is answered, the last one told close, and then nobody listens', () =>
        meet(client, scheme, (session, host) => loops(client, session, host), LONG))
      it('an idle connection used again after the drain began: answered, told close, and then nobody listens', () =>
        meet(client, scheme, (session, host) => comesLate(client, session, host), LONG))
    }
  }
})

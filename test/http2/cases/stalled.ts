import { deepEqual, equal, ok } from 'node:assert/strict'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { FrameClient } from '../../support/h2/client.js'
import type { Case } from '../../support/h2/contract.js'
import { errors, frame, settings, uint32 } from '../../support/h2/frames.js'
import type { H2Host, Route } from '../../support/h2/host.js'
import { pass, until, within } from '../../support/wait.js'

const KiB = 1_024
const large: Route = (_req, res) => void res.end(Buffer.alloc(256 * KiB, 'x'))
const small: Route = (_req, res) => void res.end(Buffer.alloc(1_000, 'x'))
const closedWindow = { settings: [[settings.INITIAL_WINDOW_SIZE, 0]] } as const

/** Does `what` again and again, for as long as the session lasts, while `work` is under way. */
async function meanwhile(client: FrameClient, ms: number, what: () => void, work: () => Promise<void>): Promise<void> {
  const timer = setInterval(() => {
    if (!client.connection.gone && client.connection.ending === undefined) what()
  }, ms)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
}

/** The drain did not wait for its deadline: the stream was reset, with an error, and both are counted. */
async function cutInDrain(host: H2Host, client: FrameClient, stream: number): Promise<void> {
  const report = host.stop().then(() => host.connections.drain())
  const { ms, clean, requests, connections } = await within(report, () => `the report\n${client}`, 20_000)
  ok(ms >= 5_000, `${ms} ms`)
  deepEqual([clean, requests.cut, { ...connections.byReason }], [false, 1, { stalled: 1 }])
  const { whole, reset } = await client.ended(stream)
  deepEqual([whole, reset], [false, errors.INTERNAL_ERROR], `${client}`)
  await client.closed()
}

/** A client may see the end before the server has counted it. */
async function counted(host: H2Host): Promise<void> {
  const closes = () => ({ ...host.connections.stats().closes })
  await until('it to be counted', () => closes().stalled === 1).catch(() => {})
  deepEqual(closes(), { stalled: 1 })
}

async function stalledReader(host: H2Host): Promise<{ client: FrameClient; stream: number }> {
  const client = await host.connect(closedWindow)
  const stream = client.ask('/large')
  await client.head(stream)
  return { client, stream }
}

/** A file, which Node pipes past the stream: that looks finished from the beginning. */
const file: Route = (_req, res) => res.stream.respondWithFile(join(__dirname, '../../../pnpm-lock.yaml'), { ':status': 200 })
const descriptor: Route = (_req, res) => {
  const fd = openSync(join(__dirname, '../../../pnpm-lock.yaml'), 'r')
  res.stream.respondWithFD(fd, { ':status': 200 })
  res.stream.on('close', () => closeSync(fd))
}

/** Clients that neither take their answers nor send their bodies, with `minRate` and with `http2.stalled`. */
export const stalled: Case[] = [
  {
    id: 'h2-stalled/reader',
    rules: ['R202', 'R207'],
    title:
      'a stream whose window stays closed amid its answer is reset below drain.minRate, long before the deadline, and counted',
    options: { drain: { deadline: 25_000 } },
    routes: { '/large': large },
    run: async (host) => {
      const { client, stream } = await stalledReader(host)
      await cutInDrain(host, client, stream)
    },
  },
  {
    id: 'h2-stalled/reader-pings',
    rules: ['R202', 'R207'],
    title: 'a client that sends 20 PINGs a second, but opens no window, holds the drain no longer than one that is quiet',
    options: { drain: { deadline: 25_000 } },
    routes: { '/large': large },
    run: async (host) => {
      const { client, stream } = await stalledReader(host)
      await meanwhile(
        client,
        50,
        () => client.ping(),
        () => cutInDrain(host, client, stream),
      )
    },
  },
  {
    id: 'h2-stalled/sender',
    rules: ['R202', 'R021'],
    title: 'a body that drips in below drain.minRate no longer holds the drain',
    options: { drain: { deadline: 25_000 } },
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/upload', { method: 'POST', end: false })
      await host.request('/upload')
      await meanwhile(
        client,
        500,
        () => client.data(stream, 'x'),
        () => cutInDrain(host, client, stream),
      )
    },
  },
  {
    id: 'h2-stalled/sender-pings',
    rules: ['R202', 'R021'],
    title: 'a body that drips in between PINGs, 20 a second, no longer holds the drain either',
    options: { drain: { deadline: 25_000 } },
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/upload', { method: 'POST', end: false })
      await host.request('/upload')
      let sent = 0
      const drip = () => (sent++ % 10 === 0 ? client.data(stream, 'x') : client.ping())
      await meanwhile(client, 50, drip, () => cutInDrain(host, client, stream))
    },
  },
  {
    id: 'h2-stalled/slow-handler',
    rules: ['R205'],
    title: 'a handler that takes its time is waited for, beside a stream whose window is closed, too',
    regression: true,
    options: { drain: { deadline: 25_000 } },
    routes: { '/large': large },
    run: async (host) => {
      const { client } = await stalledReader(host)
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      await host.stopping()
      await pass(7_000)
      res.end()
      const { whole, status } = await client.ended(stream)
      deepEqual([whole, status], [true, 200], `${client}`)
      client.connection.vanish() // or the other one holds the drain for a while
    },
  },
  {
    id: 'h2-stalled/outside-a-drain',
    rules: ['R207'],
    title: 'with limits.minRate such a session is cut at any time; one without a stream is left alone',
    options: { limits: { minRate: 240 } },
    routes: { '/large': large },
    run: async (host) => {
      const idle = await host.idleClient()
      const { client, stream } = await stalledReader(host)
      const { whole, reset } = await client.ended(stream, 50_000)
      deepEqual([whole, reset], [false, errors.INTERNAL_ERROR], `${client}`)
      await client.closed()
      await counted(host)
      equal(host.connections.stats().requests.cut, 1)
      equal((await idle.get('/again')).text, '/again')
    },
  },
  {
    // Node keeps it for as long as the client likes (20, 22, 24, 26).
    id: 'h2-stalled/zero-window-pings',
    rules: ['R166', 'R207'],
    title: 'a session that waits for its window beyond http2.stalled is ended with ENHANCE_YOUR_CALM, whatever PINGs it sends',
    options: { http2: { stalled: 2_000 } },
    routes: { '/small': small },
    run: async (host) => {
      const client = await host.connect(closedWindow)
      void client.send(...Array.from({ length: 50 }, () => client.request('/small').bytes))
      await meanwhile(
        client,
        50,
        () => client.ping(),
        async () => {
          const { code } = await client.frame('GOAWAY', (one) => one.code !== 0, 10_000)
          equal(code, errors.ENHANCE_YOUR_CALM, `${client}`)
          await client.closed()
        },
      )
      await counted(host)
    },
  },
  ...Object.entries({ file, descriptor }).map(
    ([name, route]): Case => ({
      // Node keeps it for as long as the client likes (20, 22, 24, 26).
      id: `h2-stalled/${name}`,
      rules: ['R166', 'R207'],
      title: `a ${name} that waits for its window beyond http2.stalled ends the session with ENHANCE_YOUR_CALM, as any response does`,
      options: { http2: { stalled: 1_000 } },
      routes: { '/file': route },
      run: async (host) => {
        const client = await host.connect()
        client.polite = false
        const stream = client.ask('/file')
        await client.head(stream)
        const { code } = await client.frame('GOAWAY', (one) => one.code !== 0, 50_000)
        equal(code, errors.ENHANCE_YOUR_CALM, `${client}`)
        await client.closed()
        await counted(host)
      },
    }),
  ),
  {
    id: 'h2-stalled/files-in-a-drain',
    rules: ['R202', 'R207'],
    title:
      'a file and a descriptor that wait for their window are reset below drain.minRate, long before the deadline, and counted',
    options: { drain: { deadline: 25_000 } },
    routes: { '/file': file, '/descriptor': descriptor },
    run: async (host) => {
      const client = await host.connect(closedWindow)
      const streams = [client.ask('/file'), client.ask('/descriptor')]
      for (const stream of streams) await client.head(stream)
      const report = host.stop().then(() => host.connections.drain())
      const { ms, clean, requests, connections } = await within(report, () => `the report\n${client}`, 20_000)
      ok(ms >= 5_000, `${ms} ms`)
      deepEqual([clean, requests.cut, { ...connections.byReason }], [false, 2, { stalled: 1 }])
      for (const stream of streams) equal((await client.ended(stream)).whole, false)
    },
  },
  {
    id: 'h2-stalled/files-outside-a-drain',
    rules: ['R207'],
    title: 'with limits.minRate they are cut at any time',
    options: { limits: { minRate: 240 } },
    routes: { '/file': file, '/descriptor': descriptor },
    run: async (host) => {
      const client = await host.connect(closedWindow)
      const streams = [client.ask('/file'), client.ask('/descriptor')]
      for (const stream of streams) equal((await client.ended(stream, 40_000)).whole, false, `${client}`)
      await client.closed()
      await counted(host)
      equal(host.connections.stats().requests.cut, 2)
    },
  },
  {
    id: 'h2-stalled/limits-stalled',
    rules: ['R166', 'R207'],
    title: 'limits.stalled bounds sessions, too, where there is no http2.stalled',
    options: { limits: { stalled: 1_000 } },
    routes: { '/large': large },
    run: async (host) => {
      const { client } = await stalledReader(host)
      const { code } = await client.frame('GOAWAY', (one) => one.code !== 0, 50_000)
      equal(code, errors.ENHANCE_YOUR_CALM, `${client}`)
      await client.closed()
      await counted(host)
    },
  },
  {
    id: 'h2-stalled/trickle',
    rules: ['R166', 'R207'],
    title: 'nor do windows of a few bytes keep a session beyond http2.stalled; one that takes 4 kB/s is kept',
    options: { http2: { stalled: 2_000 } },
    routes: { '/large': large },
    run: async (host) => {
      const [slow, trickle] = [await stalledReader(host), await stalledReader(host)]
      for (const { client } of [slow, trickle]) client.polite = false // it would open windows for what it receives
      const opens = ({ client, stream }: typeof slow, bytes: number) =>
        void client.send(frame('WINDOW_UPDATE', 0, stream, uint32(bytes)))
      await meanwhile(
        slow.client,
        250,
        () => opens(slow, 1_000),
        () =>
          meanwhile(
            trickle.client,
            250,
            () => opens(trickle, 10),
            async () => {
              const { code } = await trickle.client.frame('GOAWAY', (one) => one.code !== 0, 50_000)
              equal(code, errors.ENHANCE_YOUR_CALM, `${trickle.client}`)
              await trickle.client.closed()
            },
          ),
      )
      deepEqual(slow.client.goaways, [], `${slow.client}`)
      slow.client.connection.vanish()
    },
  },
]

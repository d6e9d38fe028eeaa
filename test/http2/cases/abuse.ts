import { deepEqual, equal, ok } from 'node:assert/strict'
import type { CloseReason } from '@halfclose/core'
import type { FrameClient } from '../../support/h2/client.js'
import type { Case } from '../../support/h2/contract.js'
import { encodeFields, errors, frame, settings, settingsFrame, uint32 } from '../../support/h2/frames.js'
import type { H2Host } from '../../support/h2/host.js'
import { until } from '../../support/wait.js'

/** Sends `burst` again and again, reading what comes back, until the server has had enough or `limit` bursts were sent. */
async function flood(client: FrameClient, burst: () => Buffer, limit: number): Promise<number> {
  for (let sent = 0; sent < limit; sent++) {
    if (client.connection.gone || client.connection.ending !== undefined || client.goaways.length > 0) return sent
    if (!(await client.send(burst()))) return sent
    await new Promise((resolve) => setImmediate(resolve))
  }
  return limit
}

/** Newer nghttp2 ends a session at the first body that does not fit its length. */
const atTheFirst = Number(process.versions.node.split('.')[0]) > 20

const repeat = (bytes: Buffer, times: number): Buffer => Buffer.concat(Array.from({ length: times }, () => bytes))

/** It was told why, it ended, it was counted, and others noticed nothing of it. */
async function calmed(host: H2Host, client: FrameClient, reason: CloseReason = 'flood', ...expected: number[]): Promise<void> {
  const { code } = await client.frame('GOAWAY', (one) => one.code !== 0)
  ok([errors.ENHANCE_YOUR_CALM, ...expected].includes(code), `${code}: ${client}`)
  await client.closed()
  await counted(host, reason)
}

async function counted(host: H2Host, reason: CloseReason): Promise<void> {
  const other = await host.connect()
  equal((await other.get('/other')).text, '/other')
  const closes = () => host.connections.stats().closes[reason]
  await until('it to be counted', () => closes() === 1).catch(() => equal(closes(), 1))
}

/** What a client may do that costs the server much and itself nothing. What Node alone does about it stands at each case. */
export const abuse: Case[] = [
  {
    // Node: nghttp2 ends the session with INTERNAL_ERROR after some 1,000 (20, 22, 24, 26).
    id: 'h2-abuse/rapid-reset',
    rules: ['R164', 'R166'],
    title: 'a session that opens streams and resets them at once is ended with ENHANCE_YOUR_CALM, long before 10,000 of them',
    routes: { '/reset': () => {} },
    run: async (host) => {
      const client = await host.connect()
      const burst = (): Buffer =>
        Buffer.concat(
          Array.from({ length: 50 }, () => {
            const { stream, bytes } = client.request('/reset')
            return Buffer.concat([bytes, frame('RST_STREAM', 0, stream, uint32(errors.CANCEL))])
          }),
        )
      const sent = await flood(client, burst, 200)
      await calmed(host, client)
      ok(sent < 200 && host.seen.list.length < 5_000, `${host.seen.list.length} were run`)
    },
  },
  {
    id: 'h2-abuse/cancels-now-and-then',
    rules: ['R164'],
    title: 'a client that cancels every second one of 200 streams, as a browser does, is served to the end',
    regression: true,
    routes: { '/held': () => {} },
    run: async (host) => {
      const client = await host.connect()
      for (let i = 0; i < 100; i++) {
        const cancelled = client.ask('/held')
        client.cancel(cancelled)
        equal((await client.get(`/${i}`)).text, `/${i}`)
      }
      deepEqual(client.goaways, [])
    },
  },
  {
    // Node answers every one (20, 22, 24, 26).
    id: 'h2-abuse/ping-flood',
    rules: ['R166', 'R167'],
    title: 'a flood of PING is ended with ENHANCE_YOUR_CALM',
    run: async (host) => {
      const client = await host.connect()
      const pings = repeat(frame('PING', 0, 0, Buffer.alloc(8)), 100)
      ok((await flood(client, () => pings, 200)) < 200, '20,000 were taken')
      await calmed(host, client)
    },
  },
  {
    // Node acknowledges every one (20, 22, 24, 26).
    id: 'h2-abuse/settings-flood',
    rules: ['R166'],
    title: 'a flood of SETTINGS is ended with ENHANCE_YOUR_CALM',
    run: async (host) => {
      const client = await host.connect()
      const many = repeat(settingsFrame([[settings.INITIAL_WINDOW_SIZE, 65_535]]), 100)
      ok((await flood(client, () => many, 200)) < 200, '20,000 were taken')
      await calmed(host, client)
    },
  },
  {
    // Node ends the session once 1,000 acknowledgements are queued.
    id: 'h2-abuse/answers-not-read',
    rules: ['R166', 'R207'],
    title: 'a flood whose answers the client does not read is ended too: they are not piled up',
    // What comes in behind the end is read away until that is over.
    options: { linger: { quiet: 200, total: 500 } },
    run: async (host) => {
      const client = await host.connect()
      client.connection.stream.pause() // so that how it ends does not show
      const pings = repeat(frame('PING', 0, 0, Buffer.alloc(8)), 1_000)
      const { end } = await client.connection.pour(pings, 1024 * 1024 * 1024, 2_000)
      ok(end !== 'limit', '1 GiB was taken')
      await counted(host, 'flood')
    },
  },
  {
    // Node: INTERNAL_ERROR, by maxSessionInvalidFrames (20, 22, 24, 26).
    id: 'h2-abuse/empty-data',
    rules: ['R166'],
    title: 'a flood of empty DATA frames is ended with ENHANCE_YOUR_CALM',
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/upload', { method: 'POST', end: false })
      const empty = repeat(frame('DATA', 0, stream), 100)
      ok((await flood(client, () => empty, 200)) < 200, '20,000 were taken')
      await calmed(host, client)
    },
  },
  {
    // Node: INTERNAL_ERROR, by nghttp2 (20, 22, 24, 26). Over TLS Node goes on reading, and nghttp2 finds another name for it.
    id: 'h2-abuse/empty-continuation',
    rules: ['R166'],
    title:
      'a head that goes on in empty CONTINUATION frames is ended, and its client told: ENHANCE_YOUR_CALM, or over TLS PROTOCOL_ERROR',
    run: async (host) => {
      const client = await host.connect()
      const { stream } = client.request('/never', {})
      await client.send(frame('HEADERS', 0, stream, encodeFields([[':method', 'GET']])))
      const empty = repeat(frame('CONTINUATION', 0, stream), 100)
      ok((await flood(client, () => empty, 200)) < 200, '20,000 were taken')
      // Node 20 sends that one, and then neither reads, nor closes, nor says a word of it: `http2.hold` ends it.
      if (host.secure && !atTheFirst) ok((await client.frame('GOAWAY')).code !== errors.NO_ERROR)
      else if (host.secure) await calmed(host, client, 'error', errors.PROTOCOL_ERROR)
      else await calmed(host, client)
      equal(host.paths.includes('/never'), false)
    },
  },
  {
    // Node 20 resets, and runs, all 10,000; 22, 24 and 26 end the session at the first, with INTERNAL_ERROR.
    id: 'h2-abuse/made-you-reset',
    rules: ['R164', 'R166'],
    title: 'a session whose streams the server must reset, by errors of the client, is ended, and its client told why',
    routes: { '/reset': () => {} },
    run: async (host) => {
      const client = await host.connect()
      const burst = (): Buffer =>
        Buffer.concat(
          Array.from({ length: 50 }, () => {
            const { stream, bytes } = client.request('/reset', { method: 'POST', fields: [['content-length', '1']], end: false })
            return Buffer.concat([bytes, frame('DATA', 0, stream, Buffer.from('more than that'))])
          }),
        )
      const sent = await flood(client, burst, 200)
      if (atTheFirst) await calmed(host, client, 'error', errors.PROTOCOL_ERROR)
      else await calmed(host, client)
      ok(sent < 200 && host.seen.list.length < 5_000, `${host.seen.list.length} were run`)
    },
  },
  {
    // Node refuses streams over maxSessionMemory, and ends the session with INTERNAL_ERROR after 100 of those (20, 22, 24, 26).
    id: 'h2-abuse/zero-window-memory',
    rules: ['R166', 'R207'],
    title:
      'a session that asks for more and more with a window of zero is ended with ENHANCE_YOUR_CALM: answers are not piled up',
    routes: { '/large': (_req, res) => void res.end(Buffer.alloc(256 * 1024, 'x')) },
    run: async (host) => {
      const client = await host.connect({ settings: [[settings.INITIAL_WINDOW_SIZE, 0]] })
      const sent = await flood(client, () => Buffer.concat(Array.from({ length: 50 }, () => client.request('/large').bytes)), 100)
      await calmed(host, client)
      ok(sent < 100 && host.seen.list.length < 1_000, `${host.seen.list.length} were run`)
    },
  },
  {
    // Node keeps it for as long as the client likes (20, 22, 24, 26).
    id: 'h2-abuse/zero-window',
    rules: ['R166', 'R207'],
    title:
      'a session that holds as many streams as it may with a window of zero, for small answers, is ended with ENHANCE_YOUR_CALM',
    options: { http2: { stalled: 2_000 } },
    routes: { '/small': (_req, res) => void res.end(Buffer.alloc(1_000, 'x')) },
    run: async (host) => {
      const client = await host.connect({ settings: [[settings.INITIAL_WINDOW_SIZE, 0]] })
      const { settings: theirs } = await client.frame('SETTINGS', ({ ack }) => !ack)
      const streams = Math.min(theirs.get(settings.MAX_CONCURRENT_STREAMS) ?? 100, 100)
      void client.send(...Array.from({ length: streams }, () => client.request('/small').bytes))
      await calmed(host, client, 'stalled')
    },
  },
  {
    id: 'h2-abuse/zero-window-for-a-while',
    rules: ['R207'],
    title: 'a client that opens its window late gets its answer: a pause is no attack',
    regression: true,
    routes: { '/large': (_req, res) => void res.end(Buffer.alloc(256 * 1024, 'x')) },
    run: async (host) => {
      const client = await host.connect({ settings: [[settings.INITIAL_WINDOW_SIZE, 0]] })
      const stream = client.ask('/large')
      await client.head(stream)
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      void client.send(frame('WINDOW_UPDATE', 0, stream, uint32(1024 * 1024)))
      equal((await client.answer(stream)).text.length, 256 * 1024)
    },
  },
]

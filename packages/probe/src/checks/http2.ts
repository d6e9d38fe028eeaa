import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { judged, notApplicable } from '../engine/verdict.js'
import { END_HEADERS, END_STREAM, encodeFields, type FrameClient, frame, uint32 } from '../wire/index.js'
import { ended, endingInWords, seconds } from './seen.js'

const common = { tier: 'a', subject: 'HTTP/2', needs: ['http2'] } as const

async function ask(scene: Scene, session: FrameClient): Promise<number> {
  const stream = session.ask(scene.target.path)
  await session.ended(stream, scene.bounds.answer).catch(() => {})
  return stream
}

/** Sends a PING of seven bytes, which is an error of the whole connection. */
async function offend(scene: Scene, session: FrameClient) {
  void session.send(frame('PING', 0, 0, Buffer.alloc(7)))
  await ended(session.connection, Math.min(scene.bounds.answer, scene.bounds.patience / 2))
  return { goaway: session.goaways.at(-1) ?? session.notices.at(-1), ending: session.connection.ending ?? ('open' as const) }
}

export const http2 = [
  check({
    ...common,
    id: 'a/h2-goaway-last-stream',
    level: 'SHOULD',
    section: 'RFC 9113 §5.4.1, §6.8',
    title: 'GOAWAY names the true last stream.',
    sends: 'Two requests, and then a PING frame of the wrong size.',
    expects: 'GOAWAY with FRAME_SIZE_ERROR, and the second stream as the last.',
    why: 'A client repeats what the server says it has not run.',
    look: async (scene: Scene) => {
      const session = await scene.session()
      await ask(scene, session)
      const last = await ask(scene, session)
      return { ...(await offend(scene, session)), last }
    },
    judge: ({ goaway, last }) =>
      goaway === undefined
        ? judged(false, '', 'no GOAWAY came')
        : judged(goaway.last === last, `last stream ${last}`, `it says ${goaway.last}, and the last stream was ${last}`),
  }),
  check({
    ...common,
    id: 'a/h2-error-closes',
    level: 'MUST',
    section: 'RFC 9113 §5.4.1',
    title: 'An error of the connection ends it.',
    sends: 'A PING frame of the wrong size.',
    expects: 'The end of the TCP connection.',
    why: 'After such an error neither side knows what the other means.',
    look: async (scene: Scene) => {
      const session = await scene.session()
      return offend(scene, session)
    },
    judge: ({ ending }) => judged(ending !== 'open', endingInWords[ending], 'the connection stays open'),
  }),
  check({
    ...common,
    id: 'a/h2-ping',
    level: 'MUST',
    section: 'RFC 9113 §6.7',
    title: 'PING is answered with the same eight bytes.',
    sends: 'PING.',
    expects: 'PING with ACK and the same bytes.',
    why: 'Clients find out by it whether a connection is still alive.',
    look: async (scene: Scene) => {
      const session = await scene.session()
      session.ping('halfclos')
      return session.frame('PING', ({ ack }) => ack, scene.bounds.answer).catch(() => undefined)
    },
    judge: (pong) => judged(`${pong?.data}` === 'halfclos', 'the same', pong === undefined ? 'no answer' : 'other bytes'),
  }),
  check({
    ...common,
    id: 'a/h2-half-closed',
    level: 'SHOULD',
    section: 'RFC 1122 §4.2.2.13',
    title: 'A client that sends FIN behind its streams is answered.',
    sends: 'A request and, behind it, FIN (over TLS close_notify as well).',
    expects: 'The answer, whole.',
    why: 'The request came whole; that the client sends nothing more says nothing about it.',
    look: async (scene: Scene) => {
      const session = await scene.session({ obliging: false })
      const stream = session.ask(scene.target.path)
      session.connection.fin()
      return session.ended(stream, scene.bounds.answer).catch(() => session.of(stream))
    },
    judge: ({ whole, reset }) => judged(whole, 'answered', reset === undefined ? 'not answered' : `RST_STREAM with ${reset}`),
  }),
  check({
    ...common,
    id: 'a/h2-client-goaway',
    level: 'SHOULD',
    section: 'RFC 9113 §6.8',
    title: 'A client’s GOAWAY does not end the streams that it has opened.',
    sends: 'A request and, behind it, GOAWAY.',
    expects: 'The answer, whole.',
    why: 'That is how a client says good-bye while it still waits.',
    look: async (scene: Scene) => {
      const session = await scene.session()
      const stream = session.ask(scene.target.path)
      session.goaway()
      return session.ended(stream, scene.bounds.answer).catch(() => session.of(stream))
    },
    judge: ({ whole }) => judged(whole, 'answered', 'not answered'),
  }),
  check({
    ...common,
    id: 'a/h2-idle-goaway',
    level: 'SHOULD',
    section: 'RFC 9113 §9.1, §6.8',
    title: 'An idle session ends with GOAWAY.',
    sends: 'A request, and then nothing.',
    expects: 'GOAWAY with NO_ERROR before the end.',
    why: 'A request that crosses the end on its way may be repeated only where GOAWAY says that it was not run.',
    phase: 'timed',
    look: async (scene: Scene) => {
      const session = await scene.session()
      await ask(scene, session)
      const since = Date.now()
      await ended(session.connection, scene.bounds.patience)
      const { ending = 'open', endedAt } = session.connection
      return { ending, after: endedAt - since, goaway: session.goaways.at(-1) ?? session.notices.at(-1) }
    },
    judge: ({ ending, after, goaway }, { bounds }) =>
      ending === 'open'
        ? notApplicable(`it was not ended within ${seconds(bounds.patience)}`)
        : judged(
            goaway?.code === 0,
            `GOAWAY after ${seconds(after)}`,
            goaway === undefined ? `no GOAWAY, after ${seconds(after)}` : `GOAWAY with ${goaway.code}`,
          ),
  }),
]

const flood = {
  tier: 'a',
  subject: 'HTTP/2',
  level: 'behaviour',
  needs: ['http2', 'floods'],
  phase: 'heavy',
  bytes: 500_000,
} as const

/** Sends pieces until the server ends the session. */
async function floodWith(scene: Scene, piece: (session: FrameClient) => Buffer, pieces: number) {
  const session = await scene.session({ polite: false })
  let sent = 0
  while (sent < pieces && session.connection.ending === undefined && (await session.send(piece(session)))) sent++
  await ended(session.connection, scene.bounds.quiet * 2)
  // A session that the server ended because it was idle was not ended for the flood.
  const code = session.goaways.at(-1)?.code
  return { over: (session.connection.ending !== undefined || session.connection.gone) && code !== 0, sent, code }
}

export const floods = [
  check({
    ...flood,
    id: 'a/h2-ping-flood',
    section: 'RFC 9113 §10.5 (CVE-2019-9512)',
    title: 'A flood of PINGs is ended.',
    sends: '20,000 PING frames, in hundreds.',
    expects: 'The end of the session, best with GOAWAY and ENHANCE_YOUR_CALM.',
    why: 'Each costs the server an answer, and one client can send millions.',
    look: (scene: Scene) =>
      floodWith(scene, () => Buffer.concat(Array.from({ length: 100 }, () => frame('PING', 0, 0, Buffer.alloc(8)))), 200),
    judge: ({ over, sent, code }) =>
      judged(over, `ended within ${sent * 100} frames (${code ?? 'no GOAWAY'})`, `${sent * 100} were answered`),
  }),
  check({
    ...flood,
    id: 'a/h2-reset-flood',
    section: 'RFC 9113 §10.5 (CVE-2023-44487)',
    title: 'A flood of requests that are reset at once is ended.',
    sends: '5,000 requests, each with RST_STREAM behind it, in fifties.',
    expects: 'The end of the session, best with GOAWAY and ENHANCE_YOUR_CALM.',
    why: 'Rapid reset: the streams never count as open, and all of them are run.',
    look: (scene: Scene) => {
      const { authority, path, tls } = scene.target
      const fields = encodeFields([
        [':method', 'GET'],
        [':scheme', tls ? 'https' : 'http'],
        [':authority', authority],
        [':path', path],
      ])
      let stream = -1
      const one = () => {
        stream += 2
        return Buffer.concat([
          frame('HEADERS', END_HEADERS | END_STREAM, stream, fields),
          frame('RST_STREAM', 0, stream, uint32(8)),
        ])
      }
      return floodWith(scene, () => Buffer.concat(Array.from({ length: 50 }, one)), 100)
    },
    judge: ({ over, sent, code }) =>
      judged(over, `ended within ${sent * 50} requests (${code ?? 'no GOAWAY'})`, `${sent * 50} were taken`),
  }),
]

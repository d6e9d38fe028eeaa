import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { judged } from '../engine/verdict.js'
import { END_HEADERS, END_STREAM, encodeFields, type FrameClient, frame, uint32 } from '../wire/index.js'
import { ended } from './observation.js'

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
  await ended(session.connection, Math.min(scene.bounds.answer, 3_000))
  // A session that the server ended because it was idle was not ended for the flood: its GOAWAYs say NO_ERROR, every one of them.
  const codes = session.goaways.map(({ code }) => code)
  const code = codes.find((one) => one !== 0)
  const isOver = session.connection.ending !== undefined || session.connection.gone
  return { over: isOver && (code !== undefined || codes.length === 0), sent, code }
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

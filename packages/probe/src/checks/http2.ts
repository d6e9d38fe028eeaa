import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { broken, judged, notApplicable } from '../engine/verdict.js'
import { type FrameClient, frame } from '../wire/index.js'
import { ended, endingInWords, seconds } from './observation.js'

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
        ? broken('no GOAWAY came')
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
    repeats: 3,
    level: 'SHOULD',
    section: 'RFC 1122 §4.2.2.13',
    needs: ['http2', 'half-close'],
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
    repeats: 3,
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
    phase: 'patient',
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

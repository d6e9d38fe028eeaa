import { check } from '../engine/check.js'
import { broken, judged } from '../engine/verdict.js'
import type { StopScene } from '../process/stop-scene.js'
import { ended } from './observation.js'

const common = { tier: 'c', subject: 'HTTP/2 at the signal', level: 'SHOULD', section: 'RFC 9113 §6.8' } as const

export const sessionsAtStop = [
  check({
    ...common,
    id: 'c/h2-in-flight',
    title: 'Streams in flight at the signal are answered.',
    sends: 'The slow GET on a session, then the signal.',
    expects: 'The answer, whole.',
    why: 'One session carries all requests of a client: all would be lost.',
    needs: ['http2', 'slow'],
    look: async (scene: StopScene) => {
      await scene.start()
      const session = await scene.session()
      await session.ended(session.ask(scene.target.path), scene.bounds.answer)
      const stream = session.ask(scene.facts.slow?.path ?? '/')
      session.ping()
      await session.frame('PING', ({ ack }) => ack, scene.bounds.answer)
      scene.signal()
      return session.ended(stream, scene.bounds.answer + (scene.facts.slow?.ms ?? 0))
    },
    judge: ({ whole }) => judged(whole, 'answered', 'not answered'),
  }),
  check({
    ...common,
    id: 'c/h2-goaway',
    title: 'An idle session is told the end: GOAWAY with the true last stream.',
    sends: 'A request on a session, then the signal.',
    expects: 'GOAWAY with NO_ERROR and that stream, in time.',
    why: 'A client repeats elsewhere what was not run.',
    needs: ['http2'],
    look: async (scene: StopScene) => {
      await scene.start()
      const session = await scene.session()
      const stream = session.ask(scene.target.path)
      await session.ended(stream, scene.bounds.answer)
      scene.signal()
      await ended(session.connection, scene.bounds.deadline)
      return { goaway: session.goaways.at(-1), stream }
    },
    judge: ({ goaway, stream }) =>
      goaway === undefined
        ? broken('no GOAWAY with a last stream')
        : judged(
            goaway.code === 0 && goaway.last === stream,
            `last stream ${stream}`,
            `code ${goaway.code}, last stream ${goaway.last} instead of ${stream}`,
          ),
  }),
]

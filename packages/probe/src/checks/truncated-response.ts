import { UNREAD } from '../engine/bounds.js'
import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { type Judgement, judged, kept, notApplicable } from '../engine/verdict.js'
import type { StopScene } from '../process/stop-scene.js'
import type { Response } from '../wire/index.js'
import { answered, ended, endingInWords, type Observation, observe, pourUnread, seconds } from './observation.js'

// An answer that a server breaks off has to look broken off. Content-Length and the last chunk show it. Where an answer has neither, only the end of the
// connection can: by a reset, or over TLS by the lack of close_notify.

/** This part of the patience passes before the client reads. */
const UNREAD_FOR = 0.85

const common = { level: 'SHOULD', section: 'RFC 9112 §8, §9.8' } as const

/** The answer ends with the connection. */
const isUnframed = (answer: Response): boolean =>
  answer.header('content-length') === undefined && answer.header('transfer-encoding') === undefined

/** The connection ended as it does behind a whole answer. */
const endsCleanly = ({ ending, closeNotify }: Observation, tls: boolean): boolean => ending === 'fin' && (closeNotify || !tls)

export const tlsCutShows = [
  check({
    ...common,
    tier: 'a',
    subject: 'TLS',
    id: 'a/tls-cut-shows',
    title: 'Over TLS an answer that the server breaks off does not look whole.',
    sends:
      'Thousands of GETs in one go; it reads no answer until the server has let it go, or for most of --patience, and then all that came.',
    expects: 'The last answer is cut by its framing, or the connection ends by a reset or without close_notify.',
    why: 'A client that takes half an answer for a whole one stores and shows it.',
    needs: ['http1', 'tls', 'persistent'],
    phase: 'stalling',
    bytes: UNREAD,
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const { end } = await pourUnread(scene, client)
      scene.calm()
      // A connection that was reset is over even for a client that does not read.
      if (end === 'stalled') await client.over(scene.bounds.patience * UNREAD_FOR).catch(() => {})
      client.stream.resume()
      await ended(client, scene.bounds.answer)
      return { stalled: end !== 'limit', ...observe(client) }
    },
    judge: ({ stalled, ...found }) => {
      if (!stalled) return notApplicable('all requests were taken: the answers fit into the buffers')
      if (found.ending === 'open') return notApplicable('the server waits for its reader')
      return lastAnswerShowsItsCut(found)
    },
  }),
]

/** All answers are to the same GET: one that seems whole, and is shorter than the first, was cut. */
function lastAnswerShowsItsCut(found: Observation): Judgement {
  const { answers, heads, ending, closeNotify } = found
  const [first, last] = [answers[0], answers.at(-1)]
  const told = `${endingInWords[ending]}${closeNotify ? ' behind close_notify' : ''}`
  if (first === undefined || last === undefined || heads.length > answers.length)
    return kept(`${answers.length} whole answers, and no more; then ${told}`)
  const looksWhole = !isUnframed(last) || endsCleanly(found, true)
  return judged(
    last.length === first.length || !looksWhole,
    `${answers.length} whole answers, then ${told}`,
    `the last answer looks whole with ${last.length} of ${first.length} bytes, then ${told}`,
  )
}

export const cutShowsAtStop = [
  check({
    ...common,
    tier: 'c',
    subject: 'What holds it up',
    id: 'c/cut-shows',
    title: 'An answer that is broken off at the stop does not look whole.',
    sends: 'A GET of the endless path in HTTP/1.1 and one in HTTP/1.0, and once both have begun the signal.',
    expects: 'Where the first answer ends without its last chunk, the second ends by a reset, or over TLS without close_notify.',
    why: 'A client of HTTP/1.0 knows the end of an answer by the end of the connection: half a file looks like a whole one.',
    needs: ['http1', 'stream'],
    connections: 2,
    look: async (scene: StopScene) => {
      await scene.start()
      const ask = async (version: '1.0' | '1.1') => {
        const client = await scene.connect()
        void client.send(scene.request({ version, path: scene.facts.stream ?? '/' }))
        await client.head(0, scene.bounds.answer)
        return client
      }
      const clients = [await ask('1.1'), await ask('1.0')] as const
      scene.signal()
      await Promise.all(clients.map((client) => ended(client, scene.bounds.deadline)))
      const [now, old] = clients
      await answered(now, 1, 0)
      return { now: observe(now), old: observe(old) }
    },
    judge: ({ now, old }, { bounds, target }) => {
      if (now.ending === 'open' || old.ending === 'open') return notApplicable(`not ended within ${seconds(bounds.deadline)}`)
      if (now.heads.some(isUnframed)) return notApplicable('neither answer is framed: a cut cannot be told from an end')
      if (now.answers.length === 1) return kept('the application ended its answers, whole')
      const [head] = old.heads
      if (head === undefined || !isUnframed(head)) return kept(`the framing shows it: ${endingInWords[old.ending]}`)
      return judged(
        !endsCleanly(old, target.tls),
        `cut; without framing ${endingInWords[old.ending]} shows it`,
        `cut; the answer without framing ends by ${endingInWords[old.ending]}, like a whole one`,
      )
    },
  }),
]

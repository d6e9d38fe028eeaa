import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { broken, type Judgement, judged, kept, notApplicable } from '../engine/verdict.js'
import { type Client, pass } from '../wire/index.js'
import { answered, closed, endingInWords, goesOn, type Observation } from './observation.js'

const early = { tier: 'a', subject: 'An early answer' } as const
const MEGABYTE = 1024 * 1024
/** A size that no server allows a head. */
const HUGE = 2 * MEGABYTE
const PIECE = 64 * 1024

const pieces = (bytes: number): Buffer[] => Array.from({ length: Math.ceil(bytes / PIECE) }, () => Buffer.alloc(PIECE, 'x'))

/** Sends everything before it reads, as most clients do. */
async function sendsFirst(scene: Scene, ...parts: (string | Buffer)[]): Promise<Observation> {
  const client = await scene.connect()
  client.stream.pause()
  const left = parts.values()
  for (const part of left) {
    const { end } = await client.pour(part, part.length, scene.bounds.quiet)
    if (end !== 'limit') break
    // A pause in which a reset can arrive: then the next write fails and the answer is lost, as it is for most clients.
    await pass(1)
  }
  client.stream.resume()
  await sendsTheRest(scene, client, left)
  return answered(client, 1, scene.bounds.answer)
}

/** The server takes nothing for now. It may have answered, or only be slow: it gets the rest while the answer is read. */
async function sendsTheRest(scene: Scene, client: Client, parts: Iterable<string | Buffer>): Promise<void> {
  const until = Date.now() + scene.bounds.patience
  const over = () => client.answers.list.length > 0 || client.ending !== undefined || Date.now() > until
  for (const part of parts) {
    const taken = client.pour(part, part.length, scene.bounds.answer)
    await Promise.race([taken, client.answers.at(0)])
    if (over() || (await taken).end !== 'limit') return
  }
}

const readable = ({ answers: [answer], heads, ending }: Observation): Judgement => {
  if (answer !== undefined) return kept(`${answer.status}, whole`)
  return broken(
    heads.length > 0 ? `the answer was cut: ${endingInWords[ending]}` : `no answer could be read: ${endingInWords[ending]}`,
  )
}

/** The common part of checks that accept any answer. */
const upload = {
  level: 'SHOULD',
  section: 'RFC 9112 §9.6',
  expects: 'An answer, whatever it is, whole.',
  why: 'A server that closes with unread input resets the connection, and the reset wipes out its answer on the client’s side.',
  phase: 'heavy',
  bytes: 16 * MEGABYTE,
} as const

function uploads(scene: Scene, length: number, ...fields: string[]): Promise<Observation> {
  const type = 'Content-Type: application/octet-stream'
  const head = scene.request({ method: 'POST', fields: [`Content-Length: ${length}`, type, ...fields] })
  return sendsFirst(scene, head, ...pieces(length))
}

export const earlyAnswer = [
  check({
    ...early,
    ...upload,
    id: 'a/early-answer',
    title: 'An answer to a POST whose body is still being sent can be read to its end.',
    sends: 'A POST with a body of 16 MB, which is sent before anything is read.',
    look: (scene: Scene) => uploads(scene, scene.bounds.upload),
    judge: readable,
  }),
  check({
    ...early,
    ...upload,
    id: 'a/early-answer-close',
    title: 'An early answer can be read to its end where the client says Connection: close, too.',
    sends: 'A POST with Connection: close and a body of 8 MB, which is sent before anything is read.',
    repeats: 2,
    bytes: 8 * MEGABYTE,
    look: (scene: Scene) => uploads(scene, scene.bounds.upload / 2, 'Connection: close'),
    judge: readable,
  }),
  check({
    ...early,
    id: 'a/400-readable',
    repeats: 2,
    level: 'SHOULD',
    section: 'RFC 9112 §2.2, §9.6',
    title: 'A malformed request is answered before the connection ends.',
    sends: 'A GET whose Content-Length is "abc", and 2 MB behind it, all before anything is read.',
    expects: 'An answer (400), whole, before any reset.',
    why: 'Without it the client sees a reset, and nobody learns what was wrong.',
    phase: 'heavy',
    bytes: 2 * MEGABYTE,
    look: (scene: Scene) => {
      const bad = scene.request({ method: 'POST', fields: ['Content-Length: abc'] })
      return sendsFirst(scene, bad, ...pieces(2 * MEGABYTE))
    },
    judge: readable,
  }),
  check({
    ...early,
    id: 'a/400-closes',
    level: 'MUST',
    section: 'RFC 9112 §6.3',
    title: 'An invalid Content-Length is answered by 400, and ends the connection.',
    sends: 'A POST whose Content-Length is "abc".',
    expects: '400, and the end of the connection.',
    why: 'Nobody knows where the next request begins: what is read as one may be a body.',
    look: (scene: Scene) => closed(scene, scene.request({ method: 'POST', fields: ['Content-Length: abc'] })),
    judge: (found) => {
      const { answers, ending } = found
      const told = `${answers[0]?.status ?? 'no answer'}, ${goesOn(found) ? 'and the next request was answered as well' : endingInWords[ending]}`
      return judged(ending !== 'open' && answers[0]?.status === 400 && !goesOn(found), told, told)
    },
  }),
  check({
    ...early,
    id: 'a/431-readable',
    repeats: 2,
    level: 'SHOULD',
    section: 'RFC 6585 §5, RFC 9112 §9.6',
    title: 'A head that is too large is answered before the connection ends.',
    sends: 'A GET with a field of 2 MB, sent before anything is read.',
    expects: 'An answer (431, 400 or 413), whole, before any reset.',
    why: 'A browser with too many cookies gets this; a reset shows it nothing.',
    phase: 'heavy',
    bytes: HUGE,
    look: (scene: Scene) => {
      const [head = ''] = scene.request().split('\r\n\r\n')
      return sendsFirst(scene, Buffer.from(`${head}\r\nX-Huge: `), ...pieces(HUGE), Buffer.from('\r\n\r\n'))
    },
    judge: (found) => {
      const status = found.answers[0]?.status
      return status !== undefined && status < 400 ? notApplicable(`the server takes such a head: ${status}`) : readable(found)
    },
  }),
]

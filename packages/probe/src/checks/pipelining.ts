import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { type Judgement, judged, kept, notApplicable } from '../engine/verdict.js'
import type { Response } from '../wire/index.js'
import { answered, endingInWords, type Observation, statuses } from './observation.js'

const common = { tier: 'a', subject: 'Pipelining' } as const

/** A server may end a connection behind any answer, if that says close. */
const endsEarly = ({ answers, heads, garbage }: Pick<Observation, 'answers' | 'heads' | 'garbage'>, count: number): boolean =>
  answers.length < count && heads.length === answers.length && garbage === '' && answers.at(-1)?.closes === true

const inPart = (answers: readonly Response[]): Judgement => {
  const told = `${statuses(answers)}, and the last one says close`
  return answers.length > 1 ? kept(told) : notApplicable(told)
}

export const pipelining = [
  check({
    ...common,
    id: 'a/pipeline-order',
    level: 'MUST',
    section: 'RFC 9112 §9.3.2',
    title: 'Six requests in one write are answered, in order.',
    sends: 'GET and HEAD in turns, six in all: an answer out of its order has a body where none may be.',
    expects: 'Six answers, each framed as its request wants it.',
    why: 'The order is all that tells which answer belongs to which request.',
    needs: ['http1', 'persistent'],
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const pair = scene.request() + scene.request({ method: 'HEAD' })
      void client.send(pair.repeat(3))
      await answered(client, 6, scene.bounds.answer)
      return answered(client, 7, scene.bounds.quiet / 2)
    },
    judge: ({ answers, heads, garbage, ending }) =>
      endsEarly({ answers, heads, garbage }, 6)
        ? inPart(answers)
        : judged(
            answers.length === 6 && garbage === '',
            `six answers: ${statuses(answers)}`,
            `${answers.length} of 6 answers${garbage === '' ? '' : ', and bytes that are no answer'}; ${endingInWords[ending]}`,
          ),
  }),
  check({
    ...common,
    id: 'a/pipeline-error-behind',
    level: 'SHOULD',
    section: 'RFC 9112 §9.3.2, §9.6',
    title: 'A malformed request behind a good one does not swallow its answer.',
    sends: 'A GET, and behind it, in the same write, a request whose Content-Length is "abc".',
    expects: 'The answer to the first, whole; then an error or the end.',
    why: 'The good request was run: its client must learn so.',
    needs: ['http1', 'persistent'],
    look: async (scene: Scene) => {
      const client = await scene.connect()
      void client.send(scene.request() + scene.request({ method: 'POST', fields: ['Content-Length: abc'] }))
      return answered(client, 2, scene.bounds.answer)
    },
    judge: ({ answers, ending }, { facts }) =>
      judged(
        answers[0]?.status === facts.status,
        `${statuses(answers)}, then ${endingInWords[ending]}`,
        `the first answer is ${answers[0]?.status ?? 'not there'}, then ${endingInWords[ending]}`,
      ),
  }),
  check({
    ...common,
    id: 'a/pipeline-head-no-body',
    level: 'MUST',
    section: 'RFC 9110 §9.3.2, RFC 9112 §6.3',
    title: 'The answer to HEAD has no body, and the next answer follows it at once.',
    sends: 'HEAD, and behind it GET.',
    expects: 'Two answers, and no bytes between them.',
    why: 'A body behind HEAD is read as the next answer.',
    needs: ['http1', 'persistent'],
    look: async (scene: Scene) => {
      const client = await scene.connect()
      void client.send(scene.request({ method: 'HEAD' }) + scene.request())
      return answered(client, 2, scene.bounds.answer)
    },
    judge: ({ answers, heads, garbage, ending }) =>
      endsEarly({ answers, heads, garbage }, 2)
        ? inPart(answers)
        : judged(
            answers.length === 2 && garbage === '',
            statuses(answers),
            `${answers.length} of 2 answers; ${garbage === '' ? endingInWords[ending] : 'bytes that are no answer'}`,
          ),
  }),
]

import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { broken, type Judgement, judged } from '../engine/verdict.js'
import type { Response } from '../wire/index.js'
import { answered, closed, endingInWords, goesOn, type Observation, statuses } from './observation.js'

const common = { tier: 'a', subject: 'Connection: close', section: 'RFC 9112 §9.6' } as const

/** The ways to write `close`. A server that reads only the first of them keeps connections that their clients believe closed. */
const FORMS = [
  { name: 'plain', words: 'as it stands in the specification', fields: ['Connection: close'] },
  { name: 'case', words: 'in other letters', fields: ['Connection: ClOsE'] },
  { name: 'list', words: 'amid a list', fields: ['Connection: x-other, close, x-more', 'X-Other: 1', 'X-More: 1'] },
  {
    name: 'two-lines',
    words: 'in a second Connection field',
    fields: ['Connection: x-other', 'X-Other: 1', 'Connection: close'],
  },
  { name: 'beside-keep-alive', words: 'beside keep-alive', fields: ['Connection: keep-alive, close'] },
]

/** Judges whether the answer was whole, and then FIN. */
export function endsAfterAnswer(found: Observation): Judgement {
  const { answers, heads, ending, more } = found
  if (answers.length === 0)
    return broken(heads.length > 0 ? `the answer was cut: ${endingInWords[ending]}` : `no answer: ${endingInWords[ending]}`)
  if (goesOn(found)) return broken(`${statuses(heads)}: the connection is kept, the next request was answered as well`)
  return judged(
    ending === 'fin' || (ending === 'reset' && more === true),
    `${statuses(answers)}, then ${endingInWords[ending]}`,
    `${statuses(answers)}, then ${endingInWords[ending]}`,
  )
}

/** An answer of HTTP/1.0 is the last without a word. */
const isLast = (answer: Response): boolean =>
  answer.closes || (answer.version === '1.0' && !/keep-alive/i.test(answer.header('connection') ?? ''))

export const close = [
  ...FORMS.map(({ name, words, fields }) =>
    check({
      ...common,
      id: `a/close-${name}`,
      level: 'MUST',
      title: `Connection: close, ${words}, ends the connection after the answer.`,
      sends: `A GET with ${fields.filter((field) => field.startsWith('Connection')).join(' and ')}.`,
      expects: 'The answer, whole, and then FIN.',
      why: 'The client has said that it will send nothing more; it may wait for the end before it goes on.',
      look: (scene: Scene) => closed(scene, scene.request({ fields })),
      judge: endsAfterAnswer,
    }),
  ),
  check({
    ...common,
    id: 'a/close-is-said',
    level: 'SHOULD',
    title: 'The answer to Connection: close says close as well.',
    sends: 'A GET with Connection: close.',
    expects: 'Connection: close in the answer.',
    why: 'A proxy on the way learns from it that the connection is over.',
    look: (scene: Scene) => closed(scene, scene.request({ fields: ['Connection: close'] })),
    judge: ({ answers: [answer] }) =>
      answer === undefined
        ? broken('no answer came')
        : judged(isLast(answer), 'it says close', `it says Connection: ${answer.header('connection') ?? '(nothing)'}`),
  }),
  check({
    ...common,
    id: 'a/close-nothing-behind',
    level: 'MUST',
    title: 'Nothing behind Connection: close is run.',
    sends: 'A GET with Connection: close and another GET behind it, in one write.',
    expects: 'One answer.',
    why: 'The client believes that the second was not run, and may send it again.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      void client.send(scene.request({ fields: ['Connection: close'] }) + scene.request())
      await answered(client, 1, scene.bounds.answer)
      return answered(client, 2, Math.min(scene.bounds.answer, scene.bounds.patience / 2))
    },
    judge: ({ answers, heads }) =>
      judged(answers.length === 1 && heads.length === 1, 'one answer', `these answers: ${statuses(heads)}`),
  }),
]

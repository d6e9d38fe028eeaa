import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { broken, type Judgement, judged } from '../engine/verdict.js'
import { answered, closed, endingInWords, type Observation, statuses } from './observation.js'

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
export function endsAfterAnswer({ answers, heads, ending }: Observation): Judgement {
  if (answers.length === 0)
    return broken(heads.length > 0 ? `the answer was cut: ${endingInWords[ending]}` : `no answer: ${endingInWords[ending]}`)
  return judged(ending === 'fin', `${statuses(answers)}, then FIN`, `${statuses(answers)}, then ${endingInWords[ending]}`)
}

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
        : judged(answer.closes, 'it says close', `it says Connection: ${answer.header('connection') ?? '(nothing)'}`),
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
      return answered(client, 2, scene.bounds.quiet)
    },
    judge: ({ answers }) => judged(answers.length === 1, 'one answer', `these answers: ${statuses(answers)}`),
  }),
]

import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { broken, type Judgement, judged, notApplicable } from '../engine/verdict.js'
import { answered, ended, endingInWords, type Seen, seen, statuses } from './seen.js'

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

/** Reads one answer, and the end that the client then sees. */
export async function closed(scene: Scene, request: string): Promise<Seen> {
  const client = await scene.connect()
  void client.send(request)
  await answered(client, 1, scene.bounds.answer)
  await ended(client, Math.min(scene.bounds.answer, scene.bounds.patience / 2))
  return seen(client)
}

/** Judges whether the answer was whole, and then FIN. */
export function endsAfterAnswer({ answers, heads, ending }: Seen): Judgement {
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

/** How many ms after its head an answer has to be whole. */
const UNENDED = 4_000

const old = { tier: 'a', subject: 'HTTP/1.0' } as const

export const http10 = [
  check({
    ...old,
    id: 'a/http10-closes',
    level: 'MUST',
    section: 'RFC 9112 §9.3',
    title: 'A request of HTTP/1.0 ends the connection, where it does not ask for keep-alive.',
    sends: 'A GET of HTTP/1.0.',
    expects: 'The answer, whole, and then FIN.',
    why: 'Old clients read until the end; one that does not come is a page that never finishes.',
    look: (scene: Scene) => closed(scene, scene.request({ version: '1.0' })),
    judge: endsAfterAnswer,
  }),
  check({
    ...old,
    id: 'a/http10-not-chunked',
    level: 'MUST',
    section: 'RFC 9112 §6.1',
    title: 'A client of HTTP/1.0 gets no chunks.',
    sends: 'A GET of HTTP/1.0.',
    expects: 'No Transfer-Encoding in the answer.',
    why: 'It would show the sizes of the chunks as part of the page.',
    look: (scene: Scene) => closed(scene, scene.request({ version: '1.0' })),
    judge: ({ heads: [head] }) =>
      head === undefined
        ? broken('no answer came')
        : judged(
            head.header('transfer-encoding') === undefined,
            'no Transfer-Encoding',
            `Transfer-Encoding: ${head.header('transfer-encoding')}`,
          ),
  }),
  check({
    ...old,
    id: 'a/http10-end-shows',
    level: 'MUST',
    section: 'RFC 9112 §6.3',
    title: 'An answer to HTTP/1.0 with keep-alive shows where it ends.',
    sends: 'A GET of HTTP/1.0 with Connection: keep-alive.',
    expects: 'A Content-Length, or the end of the connection.',
    why: 'Without either the client waits for more until it gives up.',
    look: (scene: Scene) => closed(scene, scene.request({ version: '1.0', fields: ['Connection: keep-alive'] })),
    judge: ({ answers: [answer], ending }) =>
      // An answer that ends with the connection, when that has long been idle, has shown no end.
      judged(
        answer !== undefined && answer.wholeAt - answer.headAt < UNENDED,
        ending === 'open' ? 'framed, and kept' : 'whole, and closed',
        `no end to be seen: ${endingInWords[ending]}`,
      ),
  }),
  check({
    ...old,
    id: 'a/http10-keep-alive',
    level: 'behaviour',
    section: 'RFC 9112 §9.3, appendix C.2.2',
    title: 'HTTP/1.0 with keep-alive is kept.',
    sends: 'A GET of HTTP/1.0 with Connection: keep-alive, and a second one.',
    expects: 'Both are answered on one connection.',
    why: 'Load generators and old proxies still speak it.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const request = scene.request({ version: '1.0', fields: ['Connection: keep-alive'] })
      void client.send(request)
      const { ending } = await answered(client, 1, scene.bounds.answer)
      if (ending === 'open') void client.send(request)
      return answered(client, 2, scene.bounds.quiet)
    },
    judge: ({ answers }) =>
      answers.length === 0 ? notApplicable('no answer came') : judged(answers.length === 2, 'kept', 'closed after one answer'),
  }),
]

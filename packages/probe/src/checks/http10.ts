import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { broken, judged, kept, notApplicable } from '../engine/verdict.js'
import { endsAfterAnswer } from './close.js'
import { answered, closed, endingInWords, seconds } from './observation.js'

/** How many ms after its head the end of a connection still ends its answer. */
const UNENDED = 4_000

const common = { tier: 'a', subject: 'HTTP/1.0' } as const

export const http10 = [
  check({
    ...common,
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
    ...common,
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
    ...common,
    id: 'a/http10-end-shows',
    level: 'MUST',
    section: 'RFC 9112 §6.3',
    title: 'An answer to HTTP/1.0 with keep-alive shows where it ends.',
    sends: 'A GET of HTTP/1.0 with Connection: keep-alive.',
    expects: 'A Content-Length, or the end of the connection.',
    why: 'Without either the client waits for more until it gives up.',
    look: (scene: Scene) => closed(scene, scene.request({ version: '1.0', fields: ['Connection: keep-alive'] })),
    judge: ({ answers: [answer], heads: [head], ending }) => {
      const chunked = head?.header('transfer-encoding')
      if (chunked !== undefined) return broken(`Transfer-Encoding: ${chunked}, which HTTP/1.0 does not know`)
      if (answer === undefined) return broken(`no end to be seen: ${endingInWords[ending]}`)
      if (answer.header('content-length') !== undefined) return kept(ending === 'open' ? 'framed, and kept' : 'framed')
      // An answer that ends with the connection, when that has long been idle, has shown no end.
      const after = answer.wholeAt - answer.headAt
      return judged(
        after < UNENDED,
        'whole, and closed',
        `no end to be seen before the connection ended, ${seconds(after)} later`,
      )
    },
  }),
  check({
    ...common,
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

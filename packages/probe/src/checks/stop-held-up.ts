import { UNREAD } from '../engine/bounds.js'
import { check } from '../engine/check.js'
import { broken, type Judgement, kept, notApplicable } from '../engine/verdict.js'
import type { Exit } from '../process/child.js'
import type { StopScene } from '../process/stop-scene.js'
import { answered, ended, endingInWords, pourUnread, seconds } from './observation.js'
import { answeredOnce } from './stop-requests.js'

const common = { tier: 'c', subject: 'What holds it up', level: 'behaviour', section: 'the book, 4.7' } as const
/** ms after which a request is taken to have reached the handler. */
const UNDER_WAY = 500
const WHY = 'One such client would hold up every deploy, until the process is killed.'

const gone = (exit: Exit | undefined, scene: StopScene): Judgement =>
  exit === undefined ? broken(`still there after ${seconds(scene.bounds.deadline)}`) : kept(`gone after ${seconds(exit.after)}`)

export const heldUpAtStop = [
  check({
    ...common,
    id: 'c/exit-code',
    level: 'SHOULD',
    title: 'With nothing to do it ends within its deadline, with code 0.',
    sends: 'The signal.',
    expects: 'Exit code 0 within the deadline.',
    why: 'Any other code is a failed stop to systemd, Kubernetes and PM2.',
    look: async (scene: StopScene) => {
      await scene.start()
      await answeredOnce(scene)
      scene.signal()
      return scene.exit()
    },
    judge: (exit, scene) =>
      exit === undefined || exit.code === 0
        ? gone(exit, scene)
        : broken(exit.signal === null ? `exit code ${exit.code}` : `ended by ${exit.signal}`),
  }),
  check({
    ...common,
    id: 'c/preconnected',
    title: 'A connection that never sent anything does not hold the stop.',
    sends: 'Nothing on a new connection, then the signal.',
    expects: 'The process has gone within the deadline.',
    why: `Browsers and proxies open connections ahead. ${WHY}`,
    look: async (scene: StopScene) => {
      await scene.start()
      await answeredOnce(scene)
      await scene.connect()
      scene.signal()
      return scene.exit()
    },
    judge: gone,
  }),
  check({
    ...common,
    id: 'c/stalled-upload',
    title: 'An upload that stands still does not hold the stop.',
    sends: 'A POST and half of its body, then the signal.',
    expects: 'The process has gone within the deadline.',
    why: WHY,
    look: async (scene: StopScene) => {
      await scene.start()
      const client = await scene.connect()
      await client.send(scene.request({ method: 'POST', fields: ['Content-Length: 10000'], body: 'x'.repeat(5_000) }))
      // The request is under way, even if it was answered early.
      await answered(client, 1, UNDER_WAY)
      scene.signal()
      return scene.exit()
    },
    judge: gone,
  }),
  check({
    ...common,
    id: 'c/stalled-reader',
    title: 'A client that does not read does not hold the stop.',
    sends: 'Thousands of GETs in one go whose answers are not read, then the signal.',
    expects: 'The process has gone within the deadline.',
    why: WHY,
    needs: ['http1', 'persistent'],
    bytes: UNREAD,
    look: async (scene: StopScene) => {
      await scene.start()
      const client = await scene.connect()
      const { end } = await pourUnread(scene, client)
      if (end === 'limit') return 'fits' as const
      scene.signal()
      return scene.exit()
    },
    judge: (exit, scene) => (exit === 'fits' ? notApplicable('the answers fit into the buffers') : gone(exit, scene)),
  }),
  check({
    ...common,
    id: 'c/stream-ends',
    title: 'An answer without an end is ended.',
    sends: 'A GET of the endless path, and once it has begun the signal.',
    expects: 'The end of the answer, and of the process, within the deadline.',
    why: WHY,
    needs: ['http1', 'stream'],
    look: async (scene: StopScene) => {
      await scene.start()
      const client = await scene.connect()
      void client.send(scene.request({ path: scene.facts.stream ?? '/' }))
      await client.head(0, scene.bounds.answer)
      scene.signal()
      const exit = await scene.exit()
      await ended(client, 500)
      return { exit, whole: client.answers.list.length === 1, ending: client.ending ?? ('open' as const) }
    },
    judge: ({ exit, whole, ending }, scene) => {
      const judgement = gone(exit, scene)
      return { ...judgement, detail: `${judgement.detail}; the answer ended ${whole ? 'whole' : `by ${endingInWords[ending]}`}` }
    },
  }),
]

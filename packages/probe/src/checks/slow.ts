import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { broken, judged, kept, notApplicable } from '../engine/verdict.js'
import { pass } from '../wire/index.js'
import { answered, ended, endingInWords, observe, seconds, statuses } from './observation.js'

const common = { tier: 'b', subject: 'Slow answers', needs: ['http1', 'persistent', 'slow'], phase: 'timed' } as const

/** The slow path, which these checks need. */
const slowPath = ({ facts }: Scene): string => facts.slow?.path ?? '/'
const slowMs = ({ facts }: Scene): number => facts.slow?.ms ?? 0
const waitFor = (scene: Scene, times = 1): number => scene.bounds.answer + times * slowMs(scene)

/** ms after which a server that queues requests has begun with one. */
const BEGUN = 200
const LEAVERS = 12
/** When requests are sent around the end of an idle timeout, in ms before and after it. */
const AROUND = [-200, -100, -50, -20, 0, 20, 50]

export const slow = [
  check({
    ...common,
    id: 'b/order-slow-fast',
    level: 'MUST',
    section: 'RFC 9112 §9.3.2',
    title: 'A fast answer does not overtake a slow one.',
    sends: 'The slow GET, and behind it a HEAD of the fast path, in one write.',
    expects: 'The slow answer first, both whole.',
    why: 'The order is all that tells which answer belongs to which request.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      void client.send(scene.request({ path: slowPath(scene) }) + scene.request({ method: 'HEAD' }))
      return answered(client, 2, waitFor(scene))
    },
    // The answer to HEAD announces a body that it does not have: if it comes first, the slow answer is read as that body.
    judge: ({ answers, heads, garbage, ending }) =>
      heads.length === 1 && answers[0]?.closes && garbage === ''
        ? notApplicable('the slow answer ends its connection')
        : judged(
            answers.length === 2 && garbage === '',
            'the slow one came first',
            `${answers.length} of 2 answers as they should be framed; ${endingInWords[ending]}`,
          ),
  }),
  check({
    ...common,
    id: 'b/error-behind-slow',
    level: 'SHOULD',
    section: 'RFC 9112 §9.3.2, §9.6',
    title: 'A malformed request behind a slow one does not swallow its answer.',
    sends: 'The slow GET, and behind it, in the same write, a request whose Content-Length is "abc".',
    expects: 'The slow answer, whole; then an error or the end.',
    why: 'The error is known long before the answer: a server that closes at once drops what its application still works on.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const malformed = scene.request({ method: 'POST', fields: ['Content-Length: abc'] })
      void client.send(scene.request({ path: slowPath(scene) }) + malformed)
      return answered(client, 2, waitFor(scene))
    },
    judge: ({ answers, ending }) =>
      judged(
        (answers[0]?.status ?? 500) < 400,
        `${statuses(answers)}, then ${endingInWords[ending]}`,
        `the first answer is ${answers[0]?.status ?? 'not there'}, then ${endingInWords[ending]}`,
      ),
  }),
  check({
    ...common,
    id: 'b/close-slow',
    level: 'MUST',
    section: 'RFC 9112 §9.6',
    title: 'Connection: close lets a slow answer come to its end, and nothing behind it is run.',
    sends: 'The slow GET with Connection: close, and a GET behind it.',
    expects: 'One answer, whole, then the end of the connection.',
    why: 'The end belongs behind the answer.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      void client.send(scene.request({ path: slowPath(scene), fields: ['Connection: close'] }) + scene.request())
      await answered(client, 1, waitFor(scene))
      await ended(client, Math.min(5_000, scene.bounds.patience))
      return observe(client)
    },
    judge: ({ answers, ending }) =>
      judged(
        answers.length === 1 && ending !== 'open',
        `one answer, then ${endingInWords[ending]}`,
        `${statuses(answers)}, then ${endingInWords[ending]}`,
      ),
  }),
  check({
    ...common,
    id: 'b/half-closed-slow',
    level: 'SHOULD',
    section: 'RFC 1122 §4.2.2.13',
    title: 'A client that sends FIN gets an answer that takes its time.',
    sends: 'The slow GET and, behind it, FIN.',
    expects: 'The answer, whole.',
    why: 'Many servers answer such a client only if they are done before they see the FIN.',
    needs: ['http1', 'slow', 'half-close'],
    look: async (scene: Scene) => {
      const client = await scene.connect({ obliging: false })
      void client.send(scene.request({ path: slowPath(scene) }))
      client.fin()
      return answered(client, 1, waitFor(scene))
    },
    judge: ({ answers, ending }) => judged(answers.length === 1, 'answered', `not answered: ${endingInWords[ending]}`),
  }),
  check({
    ...common,
    id: 'b/post-waits-for-post',
    level: 'MUST',
    section: 'RFC 9112 §9.3.2',
    title: 'A POST behind a POST waits until the first is answered.',
    sends: 'Two POSTs to the slow path in one write.',
    expects: 'The second takes its own time after the first: they are not run at once.',
    why: 'Only safe methods may run in parallel: the second may depend on the first.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const post = scene.request({ method: 'POST', path: slowPath(scene), body: 'a=1' })
      const began = Date.now()
      void client.send(post + post)
      const { answers } = await answered(client, 2, waitFor(scene, 2))
      const [first, second] = answers
      return {
        statuses: statuses(answers),
        ok: (first?.status ?? 500) < 400,
        first: (first?.headAt ?? began) - began,
        gap: (second?.headAt ?? 0) - (first?.headAt ?? 0),
        both: second !== undefined,
      }
    },
    judge: ({ statuses: told, ok, first, gap, both }, scene) => {
      if (!ok || first < slowMs(scene) / 2) return notApplicable(`the slow path is not slow for POST: ${told}`)
      if (!both) return kept('the second was not run')
      return judged(
        gap > Math.min(first, slowMs(scene)) * 0.3,
        `the second came ${seconds(gap)} after the first`,
        `both took ${seconds(first)}, the second came ${seconds(gap)} after the first: they ran at once`,
      )
    },
  }),
  check({
    ...common,
    id: 'b/refused-continue',
    level: 'MUST',
    section: 'RFC 9110 §10.1.1',
    title: 'Where 100-continue is refused, what follows is read as the body, or the connection ends.',
    sends: 'A POST of 10 GB with Expect: 100-continue; after the refusal, bytes that look like a GET.',
    expects: 'No answer to those bytes.',
    why: 'A client that did not wait has sent its body: taken for a request, it is run.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const fields = ['Content-Length: 10000000000', 'Expect: 100-continue']
      void client.send(scene.request({ method: 'POST', path: slowPath(scene), fields }))
      const first = await Promise.race([answered(client, 1, waitFor(scene)), client.interim.at(0).then(() => observe(client))])
      const asked = client.interim.list.length > 0
      if (!asked && first.answers.length === 1 && first.ending === 'open') void client.send(Buffer.from(scene.request()))
      return { asked, ...(asked ? first : await answered(client, 2, scene.bounds.quiet * 2)) }
    },
    judge: ({ asked, answers, ending }) => {
      if (asked) return notApplicable('the server asks for the body: 100')
      if (answers.length === 0) return judged(ending !== 'open', endingInWords[ending], 'neither 100 nor an answer')
      return judged(
        answers.length === 1,
        `${statuses(answers)}, then ${ending === 'open' ? 'the body is read' : endingInWords[ending]}`,
        `the body was answered: ${statuses(answers)}`,
      )
    },
  }),
  check({
    ...common,
    id: 'b/leavers-noticed',
    level: 'behaviour',
    section: 'the book, 4.7',
    title: 'Clients that leave do not hold up the next one.',
    sends: `The slow GET from ${LEAVERS} clients that reset their connections soon after; then a GET of one that waits.`,
    expects: 'An answer within the time of two slow answers, or 3 s.',
    why: 'A server that goes on working for clients that have gone is busy with nothing.',
    connections: LEAVERS + 1,
    look: async (scene: Scene) => {
      const leavers = await Promise.all(Array.from({ length: LEAVERS }, () => scene.connect()))
      for (const one of leavers) void one.send(scene.request({ path: slowPath(scene) }))
      await pass(BEGUN)
      for (const one of leavers) one.vanish()
      const client = await scene.connect()
      const began = Date.now()
      void client.send(scene.request())
      const { answers } = await answered(client, 1, waitFor(scene, 2))
      return answers[0] === undefined ? undefined : answers[0].headAt - began
    },
    judge: (ms, scene) =>
      ms === undefined
        ? broken('not answered in time')
        : judged(ms < Math.max(3_000, 2 * slowMs(scene)), `answered after ${seconds(ms)}`, `answered only after ${seconds(ms)}`),
  }),
  check({
    ...common,
    id: 'b/request-at-idle-end',
    level: 'SHOULD',
    section: 'RFC 9112 §9.5',
    title: 'A request at the very end of an idle timeout is answered, or visibly not run.',
    sends:
      'A GET on each of seven connections, and a second one just before, at and after the idle time at which another one was closed.',
    expects: 'Each second one is answered whole, or its connection ends without a byte of an answer.',
    why: 'A request that is taken and never answered is the one that a client cannot repeat.',
    connections: AROUND.length,
    look: async (scene: Scene) => {
      const first = await scene.connect()
      void first.send(scene.request())
      const answer = await first.next(scene.bounds.answer)
      if (!(await ended(first, scene.bounds.patience))) return undefined
      const idleFor = first.endedAt - answer.wholeAt
      const anew = await Promise.all(AROUND.map(() => scene.connect()))
      return Promise.all(
        anew.map(async (client, index) => {
          void client.send(scene.request())
          const { wholeAt } = await client.next(scene.bounds.answer)
          await pass(wholeAt + idleFor + (AROUND[index] ?? 0) - Date.now())
          if (client.ending === undefined) void client.send(scene.request())
          const { answers, heads, ending } = await answered(client, 2, scene.bounds.answer)
          return answers.length === 2 ? 'answered' : ending !== 'open' && heads.length === 1 ? 'closed' : 'lost'
        }),
      )
    },
    judge: (found) => {
      if (found === undefined) return notApplicable('the connection was not closed in time')
      const count = (what: string) => found.filter((one) => one === what).length
      const told = `${count('answered')} answered, ${count('closed')} closed`
      return judged(count('lost') === 0, told, `${told}, ${count('lost')} with half an answer or none`)
    },
  }),
  check({
    ...common,
    id: 'b/h2-concurrent',
    level: 'behaviour',
    section: 'RFC 9113 §5',
    title: 'Streams of HTTP/2 are run at the same time.',
    sends: 'The slow GET and a fast one behind it, on one session.',
    expects: 'The fast answer comes first.',
    why: 'That is what streams are for.',
    needs: ['http2', 'slow'],
    look: async (scene: Scene) => {
      const session = await scene.session()
      const late = session.ask(slowPath(scene))
      const early = session.ask(scene.target.path)
      const answer = await session.ended(early, waitFor(scene))
      return answer.whole && !session.of(late).whole
    },
    judge: (first) => judged(first, 'the fast one came first', 'the fast one waited'),
  }),
]

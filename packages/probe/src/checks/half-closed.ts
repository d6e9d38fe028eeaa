import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { type Judgement, judged } from '../engine/verdict.js'
import { answered, ended, endingInWords, type Observation, observe, statuses } from './observation.js'

const common = { tier: 'a', subject: 'A client that sends FIN' } as const

async function asksThenFin(scene: Scene, count: number): Promise<Observation> {
  const client = await scene.connect({ obliging: false })
  void client.send(scene.request().repeat(count))
  client.fin()
  return answered(client, count, scene.bounds.answer)
}

const answersAll =
  (count: number) =>
  ({ answers, ending }: Observation): Judgement =>
    judged(
      answers.length === count,
      `answered: ${statuses(answers)}`,
      `${answers.length} of ${count} answered, then ${endingInWords[ending]}`,
    )

export const halfClosed = [
  check({
    ...common,
    id: 'a/half-closed',
    repeats: 3,
    level: 'SHOULD',
    section: 'RFC 1122 §4.2.2.13, RFC 9112 §9.6',
    title: 'A client that sends its request and then FIN is answered.',
    sends: 'A GET and, behind it, FIN (over TLS close_notify as well).',
    expects: 'The answer, whole.',
    why: 'FIN says that no more is sent, not that nothing more is read: netcat, health checks and old clients do this.',
    needs: ['http1', 'half-close'],
    look: (scene: Scene) => asksThenFin(scene, 1),
    judge: answersAll(1),
  }),
  check({
    ...common,
    id: 'a/half-closed-pipeline',
    repeats: 3,
    level: 'SHOULD',
    section: 'RFC 1122 §4.2.2.13, RFC 9112 §9.3.2',
    title: 'Two requests and then FIN: both are answered.',
    sends: 'Two GETs in one write and, behind them, FIN.',
    expects: 'Two answers, whole.',
    why: 'The FIN is known long before the second is run; it must not be forgotten.',
    needs: ['http1', 'persistent', 'half-close'],
    look: (scene: Scene) => asksThenFin(scene, 2),
    judge: answersAll(2),
  }),
  check({
    ...common,
    id: 'a/half-closed-ends',
    level: 'behaviour',
    section: 'RFC 9112 §9.6',
    title: 'After such an answer the server closes its side as well, soon.',
    sends: 'A GET and FIN.',
    needs: ['http1', 'half-close'],
    expects: 'The end of the connection behind the answer, within 5 s.',
    why: 'A half-open connection costs the server a place for nothing.',
    look: async (scene: Scene) => {
      const client = await scene.connect({ obliging: false })
      void client.send(scene.request())
      client.fin()
      await answered(client, 1, scene.bounds.answer)
      await ended(client, Math.min(5_000, scene.bounds.patience / 2))
      return observe(client)
    },
    judge: ({ ending }) => judged(ending !== 'open', endingInWords[ending], 'the connection stays open'),
  }),
]

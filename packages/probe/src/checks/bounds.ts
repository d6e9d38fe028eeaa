import { UNREAD } from '../engine/bounds.js'
import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { type Judgement, judged, notApplicable } from '../engine/verdict.js'
import type { Client } from '../wire/index.js'
import { pass } from '../wire/index.js'
import { ended, pourUnread, seconds, statuses } from './observation.js'

const common = { tier: 'a', subject: 'Bounds', level: 'behaviour', section: 'RFC 9112 §9.5', phase: 'patient' } as const

/** When the server closed a client's connection, and what it sent before. */
interface LetGo {
  after: number | undefined
  told: string
}

async function letGo(scene: Scene, client: Client, since = Date.now()): Promise<LetGo> {
  await ended(client, scene.bounds.patience)
  return { after: client.ending === undefined ? undefined : client.endedAt - since, told: statuses(client.answers.list) }
}

const inTime = ({ after, told }: LetGo, scene: Scene): Judgement =>
  judged(
    after !== undefined,
    `let go after ${seconds(after ?? 0)}: ${told}`,
    `still there after ${seconds(scene.bounds.patience)}: ${told}`,
  )

export const bounds = [
  check({
    ...common,
    id: 'a/silent-let-go',
    title: 'A connection that never sends anything is let go.',
    sends: 'Nothing at all.',
    expects: 'The server closes; the time is measured.',
    why: 'Every such connection costs a descriptor, and anybody can open thousands.',
    look: async (scene: Scene) => letGo(scene, await scene.connect()),
    judge: inTime,
  }),
  check({
    ...common,
    id: 'a/drip-let-go',
    title: 'A head that comes drop by drop is let go.',
    sends: 'A head without an end, a few bytes at a time (the attack called Slowloris).',
    expects: 'The server closes, however lively the connection seems; the time is measured.',
    why: 'A timer that begins anew with every byte protects nothing.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const gone = letGo(scene, client)
      const [head = ''] = scene.request().split('\r\n\r\n')
      void client.send(`${head}\r\n`)
      for (let n = 0; client.ending === undefined && !client.gone && n < 100; n++) {
        await Promise.race([pass(scene.bounds.patience / 100), gone])
        void client.send(`X-Drip-${n}: 1\r\n`)
      }
      return gone
    },
    judge: inTime,
  }),
  check({
    ...common,
    id: 'a/stalled-body-let-go',
    title: 'A body that stops coming is let go.',
    sends: 'A POST that announces 10,000 bytes and sends half of them.',
    expects: 'The server closes; the time is measured.',
    why: 'Its handler waits as long, with all that it holds.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      void client.send(scene.request({ method: 'POST', fields: ['Content-Length: 10000'], body: 'x'.repeat(5_000) }))
      return letGo(scene, client)
    },
    judge: inTime,
  }),
  check({
    ...common,
    id: 'a/stalled-reader-let-go',
    title: 'A client that stops reading is let go.',
    sends: 'Thousands of GETs in one go, and reads no answer.',
    expects: 'Once its buffers are full the server waits, and then closes; the time is measured.',
    why: 'What it has not read stays in the server’s memory, and holds its shutdown.',
    needs: ['http1', 'persistent'],
    phase: 'stalling',
    bytes: UNREAD,
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const { end, taken } = await pourUnread(scene, client)
      scene.calm()
      const since = Date.now()
      if (end === 'limit') return { stalled: false, taken, after: undefined }
      // A write that is under way fails as soon as the server has reset the connection.
      await client.over(scene.bounds.patience).catch(() => {})
      const after = client.gone || end === 'gone' ? Date.now() - since : undefined
      return { stalled: true, taken, after }
    },
    judge: ({ stalled, taken, after }, scene) =>
      stalled
        ? inTime({ after, told: `it took ${Math.round(taken / 1_000)} kB of requests` }, scene)
        : notApplicable(`all ${Math.round(taken / 1_000)} kB of requests were taken: the answers fit into the buffers`),
  }),
]

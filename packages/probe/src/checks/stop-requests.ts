import { check } from '../engine/check.js'
import { NoConnection } from '../engine/scene.js'
import { judged, notApplicable } from '../engine/verdict.js'
import type { StopScene } from '../process/stop-scene.js'
import { Client, pass } from '../wire/index.js'
import { answered, ended, endingInWords, observe } from './observation.js'

const common = { tier: 'c', subject: 'At the signal', section: 'RFC 9112 §9.5, the book, 4.7' } as const

/** ms after which a request is taken to have reached the handler. */
const UNDER_WAY = 150
const KERNEL = 5
const QUEUED = 10

async function inFlight(scene: StopScene) {
  await scene.start()
  const client = await scene.connect()
  void client.send(scene.request({ path: scene.facts.slow?.path ?? '/' }))
  await pass(UNDER_WAY)
  scene.signal()
  return answered(client, 1, scene.bounds.answer + (scene.facts.slow?.ms ?? 0))
}

async function idleOnes(scene: StopScene, count: number): Promise<Client[]> {
  const clients = await Promise.all(Array.from({ length: count }, () => scene.connect()))
  for (const client of clients) void client.send(scene.request())
  for (const client of clients) await client.next(scene.bounds.answer)
  return clients
}

/** How many of the clients have `count` whole answers in the end. */
async function served(scene: StopScene, clients: Client[], count: number): Promise<number> {
  const all = await Promise.all(clients.map((client) => answered(client, count, scene.bounds.answer)))
  return all.filter(({ answers }) => answers.length >= count).length
}

export const requestsAtStop = [
  check({
    ...common,
    id: 'c/in-flight',
    level: 'SHOULD',
    repeats: 3,
    title: 'A request in flight at the signal is answered.',
    sends: `The slow GET, and ${UNDER_WAY} ms later the signal.`,
    expects: 'The answer, whole.',
    why: 'Every deploy would lose such requests.',
    needs: ['http1', 'slow'],
    look: inFlight,
    judge: ({ answers, ending }) => judged(answers.length === 1, 'answered', `not answered: ${endingInWords[ending]}`),
  }),
  check({
    ...common,
    id: 'c/in-flight-close',
    level: 'SHOULD',
    section: 'RFC 9112 §9.6',
    title: 'The answer to a request in flight at the signal says Connection: close.',
    sends: `The slow GET, and ${UNDER_WAY} ms later the signal.`,
    expects: 'Connection: close in the answer.',
    why: 'Otherwise the client sends its next request into a server that goes away.',
    needs: ['http1', 'persistent', 'slow'],
    look: inFlight,
    judge: ({ answers: [answer] }) =>
      answer === undefined
        ? notApplicable('it was not answered')
        : judged(answer.closes, 'it says close', `it says Connection: ${answer.header('connection') ?? '(nothing)'}`),
  }),
  check({
    ...common,
    id: 'c/idle-promise',
    level: 'SHOULD',
    repeats: 3,
    section: 'RFC 2068 §19.7.1.1',
    title: 'An idle connection within its promise is still served after the signal.',
    sends: 'A GET, the signal, and 300 ms later a second GET on the same connection.',
    expects: 'The second is answered.',
    why: 'The client was told that the connection lasts; its request crosses the close.',
    needs: ['http1', 'persistent', 'promise'],
    look: async (scene: StopScene) => {
      await scene.start()
      const [client] = await idleOnes(scene, 1)
      if (client === undefined) return undefined
      scene.signal()
      await pass(Math.min(300, (scene.facts.promise ?? 0) * 300))
      void client.send(scene.request())
      return answered(client, 2, scene.bounds.answer)
    },
    judge: (found) => judged(found?.answers.length === 2, 'answered', `not answered: ${endingInWords[found?.ending ?? 'open']}`),
  }),
  check({
    ...common,
    id: 'c/in-the-kernel',
    level: 'SHOULD',
    repeats: 3,
    title: 'Requests that the kernel had before the signal are answered.',
    sends: `A GET on each of ${KERNEL} connections; with the process stopped by SIGSTOP a second one on each, then the signal, then SIGCONT.`,
    expects: 'All are answered.',
    why: 'They had arrived: only the process had not looked yet.',
    needs: ['http1', 'persistent'],
    connections: KERNEL,
    look: async (scene: StopScene) => {
      await scene.start()
      const clients = await idleOnes(scene, KERNEL)
      await scene.child.pause()
      for (const client of clients) void client.send(scene.request())
      await pass(50)
      scene.signal()
      scene.child.resume()
      return served(scene, clients, 2)
    },
    judge: (count) => judged(count === KERNEL, `${count} of ${KERNEL} answered`, `${count} of ${KERNEL} answered`),
  }),
  check({
    ...common,
    id: 'c/accept-queue',
    level: 'SHOULD',
    repeats: 3,
    title: 'Connections that wait to be accepted at the signal are served.',
    sends: `With the process stopped by SIGSTOP ${QUEUED} new connections with a GET each, then the signal, then SIGCONT.`,
    expects: 'All are answered.',
    why: 'For their clients the connection stood; closing the listener resets it.',
    connections: QUEUED,
    look: async (scene: StopScene) => {
      await scene.start()
      await answeredOnce(scene)
      await scene.child.pause()
      const ask = async () => {
        const client = await scene.connect()
        void client.send(scene.request())
        return client
      }
      const asking = Promise.allSettled(Array.from({ length: QUEUED }, ask))
      // Over TLS the process has to run for a handshake: until then TCP is connected, and the client's hello waits in the kernel.
      await pass(100)
      scene.signal()
      scene.child.resume()
      const clients = (await asking).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      return served(scene, clients, 1)
    },
    judge: (count) => judged(count === QUEUED, `${count} of ${QUEUED} answered`, `${count} of ${QUEUED} answered`),
  }),
  check({
    ...common,
    id: 'c/idle-fin',
    level: 'SHOULD',
    section: 'RFC 1122 §4.2.2.13',
    title: 'An idle connection ends by FIN at the stop.',
    sends: 'A GET, then the signal.',
    expects: 'FIN, in time.',
    why: 'A reset looks like a crash.',
    needs: ['http1', 'persistent'],
    look: async (scene: StopScene) => {
      await scene.start()
      const [client] = await idleOnes(scene, 1)
      scene.signal()
      if (client === undefined) return undefined
      await ended(client, scene.bounds.deadline)
      return observe(client)
    },
    judge: (found) => judged(found?.ending === 'fin', 'FIN', endingInWords[found?.ending ?? 'open']),
  }),
  check({
    ...common,
    id: 'c/refused-after',
    level: 'SHOULD',
    repeats: 3,
    title: 'After the signal new connections are refused, or served: never accepted and dropped.',
    sends: 'The signal, and then a new connection with a GET every 20 ms, until three are refused.',
    expects: 'Each is answered, or refused.',
    why: 'A refused connection is tried elsewhere at once; one that was accepted may have run its request.',
    connections: 4,
    look: async (scene: StopScene) => {
      await scene.start()
      await answeredOnce(scene)
      const found = { answered: 0, refused: 0, dropped: 0 }
      scene.signal()
      for (let n = 0; n < 100 && found.refused < 3; n++) {
        const client = await scene.connect().catch((error: unknown) => error)
        if (!(client instanceof Client)) found[client instanceof NoConnection && client.refused ? 'refused' : 'dropped']++
        else {
          void client.send(scene.request({ fields: ['Connection: close'] }))
          const { answers } = await answered(client, 1, scene.bounds.answer)
          found[answers.length === 1 ? 'answered' : 'dropped']++
          client.vanish()
        }
        await pass(20)
      }
      return found
    },
    judge: (found) => {
      const told = `${found.answered} answered, ${found.refused} refused, ${found.dropped} dropped`
      return judged(found.dropped === 0 && found.refused > 0, told, told)
    },
  }),
]

/** Waits for an answer, so that the signal comes to a process that works. */
export async function answeredOnce(scene: StopScene): Promise<void> {
  const client = await scene.connect()
  void client.send(scene.request({ fields: ['Connection: close'] }))
  await answered(client, 1, scene.bounds.answer)
  client.vanish()
}

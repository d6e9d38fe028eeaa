import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { keepAliveParameter } from '../engine/server-facts.js'
import { broken, judged, notApplicable } from '../engine/verdict.js'
import { pass } from '../wire/index.js'
import { answered, closed, ended, endingInWords, goesOn, seconds, statuses } from './observation.js'

const common = { tier: 'a', subject: 'Persistence' } as const

/** How long before the end of its promise a connection is used again, in ms. */
const BEFORE = 300
/** The end of a promise longer than this, in ms, is waited for once. */
const LONG = 10_000
/** How many requests, at most, show whether `max=` is kept. */
const MOST = 1_100

export const persistence = [
  check({
    ...common,
    id: 'a/persists',
    level: 'SHOULD',
    section: 'RFC 9112 §9.3',
    title: 'A connection of HTTP/1.1 carries more than one request.',
    sends: 'A GET, and a second one once the first is answered.',
    expects: 'Both are answered on the same connection.',
    why: 'A new connection costs a round trip, over TLS two or three, and begins with a small congestion window.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      void client.send(scene.request())
      const first = await answered(client, 1, scene.bounds.answer)
      if (first.ending === 'open') void client.send(scene.request())
      return answered(client, 2, scene.bounds.answer)
    },
    judge: ({ answers, ending }) =>
      judged(
        answers.length === 2,
        'two requests were answered on one connection',
        `the connection carried ${answers.length}: ${endingInWords[ending]}`,
      ),
  }),
  check({
    ...common,
    id: 'a/keep-alive-honoured',
    level: 'SHOULD',
    section: 'RFC 2068 §19.7.1.1; the book, 4.5',
    title: 'What Keep-Alive: timeout=N promises is kept: a request 0.3 s before its end is answered.',
    sends: 'A GET, and another one N − 0.3 s after its answer.',
    expects: 'The second is answered whole on the same connection.',
    why: 'Clients and proxies that read the field use the connection until then; a close before that loses their request.',
    needs: ['http1', 'promise'],
    phase: 'timed',
    repeats: 3,
    look: async (scene: Scene) => {
      // This machine may be late: then the promise is over, and the check tries again.
      for (let attempt = 0; ; attempt++) {
        const client = await scene.connect()
        void client.send(scene.request())
        const first = await client.next(scene.bounds.answer)
        const promise = (keepAliveParameter(first, 'timeout') ?? 0) * 1_000
        if (promise > scene.bounds.patience) return { promise, late: true, answers: 1 }
        await pass(first.wholeAt + promise - BEFORE - Date.now())
        const late = Date.now() > first.wholeAt + promise - BEFORE / 2
        void client.send(scene.request())
        const { answers } = await answered(client, 2, scene.bounds.answer)
        if (!late || answers.length === 2 || attempt === 3 || promise > LONG) return { promise, late, answers: answers.length }
      }
    },
    judge: ({ promise, late, answers }, { bounds }) =>
      promise > bounds.patience
        ? notApplicable(`the promise of ${seconds(promise)} is longer than the probe's patience`)
        : late && answers < 2
          ? notApplicable('this machine was too late to tell')
          : judged(
              answers === 2,
              `answered ${seconds(promise - BEFORE)} after the first`,
              `not answered, though ${seconds(promise)} were promised`,
            ),
  }),
  check({
    ...common,
    id: 'a/max-true',
    level: 'SHOULD',
    section: 'RFC 2068 §19.7.1.1; the book, 4.5',
    title: 'Keep-Alive: max=N counts down, and as many requests are answered.',
    sends: 'GETs one after the other, until max says that none is left (over a thousand: the first three).',
    expects: 'N gets smaller by one with each answer; every request that was left is answered, the last answer says close.',
    why: 'A client that sends what it was promised must not lose it.',
    phase: 'patient',
    look: async (scene: Scene) => {
      const until = Date.now() + scene.bounds.patience
      const client = await scene.connect()
      const told: (number | undefined)[] = []
      for (;;) {
        void client.send(scene.request())
        const { answers } = await answered(client, told.length + 1, scene.bounds.answer)
        const answer = answers[told.length]
        const closes = answer?.closes ?? true
        if (answer !== undefined) told.push(keepAliveParameter(answer, 'max'))
        const [first] = told
        const enough = first === undefined || (first > MOST ? told.length === 3 : told.length > first + 1)
        if (closes || enough || Date.now() > until) return { told, closes }
      }
    },
    judge: ({ told: [first, ...later], closes }) => {
      if (first === undefined) return notApplicable('no Keep-Alive: max= is promised')
      const wrong = later.findIndex((max, index) => max !== undefined && max !== first - index - 1)
      if (wrong >= 0) return broken(`after max=${first} and ${wrong + 1} more answers it says max=${later[wrong]}`)
      const whole = first > MOST || !closes || later.length >= first
      return judged(
        whole,
        `max=${first} counted down, and ${later.length} more were answered`,
        `max=${first}, but only ${later.length} more were answered`,
      )
    },
  }),
  check({
    ...common,
    id: 'a/no-promise-beside-close',
    level: 'SHOULD',
    section: 'RFC 2068 §19.7.1.1',
    title: 'An answer that ends the connection promises nothing.',
    sends: 'A GET with Connection: close, a GET of HTTP/1.0, and a POST whose Content-Length is "abc", each on its connection.',
    expects: 'An answer behind which the connection ends has no Keep-Alive field.',
    why: 'A client that believes the promise sends its next request into a connection that is over.',
    connections: 3,
    look: (scene: Scene) =>
      Promise.all([
        closed(scene, scene.request({ fields: ['Connection: close'] })),
        closed(scene, scene.request({ version: '1.0' })),
        closed(scene, scene.request({ method: 'POST', fields: ['Content-Length: abc'] })),
      ]),
    judge: (found) => {
      const last = found.filter((one) => one.ending !== 'open' && !goesOn(one)).flatMap(({ heads }) => heads)
      const promised = last.flatMap((answer) => answer.header('keep-alive') ?? [])
      if (last.length === 0) return notApplicable('no answer ended its connection')
      return judged(promised.length === 0, `no Keep-Alive field in ${last.length} answers`, `it says Keep-Alive: ${promised[0]}`)
    },
  }),
  check({
    ...common,
    id: 'a/body-is-no-request',
    level: 'MUST',
    section: 'RFC 9112 §9.3',
    title: 'The body of a request is never taken for the next request.',
    sends: 'A POST whose body looks like three GETs, and behind it a GET with Connection: close.',
    expects: 'One answer for each, or one for the first; never three.',
    why: 'Where a server answers what was a body, a client reads the wrong answers, and an attacker writes them.',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      const inner = scene.request()
      const last = scene.request({ fields: ['Connection: close'] })
      void client.send(Buffer.from(scene.request({ method: 'POST', body: inner.repeat(3) }) + last, 'latin1'))
      await answered(client, 2, scene.bounds.answer)
      return answered(client, 3, Math.min(scene.bounds.answer, scene.bounds.patience / 2))
    },
    judge: ({ heads: answers, ending }) =>
      answers.length === 0
        ? notApplicable(`no answer came: ${endingInWords[ending]}`)
        : judged(
            answers.length <= 2,
            `${statuses(answers)}, then ${endingInWords[ending]}`,
            `two requests, and these answers: ${statuses(answers)}; ${endingInWords[ending]}`,
          ),
  }),
]

export const idle = [
  check({
    ...common,
    id: 'a/idle-ends',
    level: 'behaviour',
    section: 'RFC 9112 §9.5',
    title: 'An idle connection is closed after a time: how long is it really kept?',
    sends: 'A GET, and then nothing.',
    expects: 'The server closes; the time is measured.',
    why: 'A proxy in front must give up its idle connections earlier than this.',
    needs: ['http1', 'persistent'],
    phase: 'patient',
    look: idleEnd,
    judge: ({ ms, ending }, { bounds }) =>
      judged(ending !== 'open', `closed after ${seconds(ms)}`, `still open after ${seconds(bounds.patience)}`),
  }),
  check({
    ...common,
    id: 'a/idle-fin',
    level: 'SHOULD',
    section: 'RFC 9112 §9.5, RFC 1122 §4.2.2.13',
    title: 'An idle connection is closed by FIN, not by a reset.',
    sends: 'A GET, and then nothing.',
    expects: 'A FIN.',
    why: 'A client tells the end of an idle connection from a failure by it.',
    needs: ['http1', 'persistent'],
    phase: 'patient',
    look: idleEnd,
    judge: ({ ending }, { bounds }) =>
      ending === 'open'
        ? notApplicable(`it was not closed within ${seconds(bounds.patience)}`)
        : judged(ending === 'fin', 'a FIN', 'a reset'),
  }),
]

async function idleEnd(scene: Scene) {
  const client = await scene.connect()
  void client.send(scene.request())
  const { answers } = await answered(client, 1, scene.bounds.answer)
  const since = answers[0]?.wholeAt ?? Date.now()
  await ended(client, scene.bounds.patience)
  return { ms: (client.ending === undefined ? Date.now() : client.endedAt) - since, ending: client.ending ?? 'open' } as const
}

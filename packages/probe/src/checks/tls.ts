import { check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { judged, notApplicable } from '../engine/verdict.js'
import { answered, closed, ended, endingInWords, observe, seconds } from './observation.js'

const common = { tier: 'a', subject: 'TLS', level: 'MUST', section: 'RFC 9112 §9.8', needs: ['http1', 'tls'] } as const

export const tls = [
  check({
    ...common,
    id: 'a/close-notify',
    title: 'Over TLS close_notify comes before FIN.',
    sends: 'A GET with Connection: close.',
    expects: 'The answer, close_notify, FIN.',
    why: 'Without it a client cannot tell the end from an attacker who cuts the answer.',
    look: (scene: Scene) => closed(scene, scene.request({ fields: ['Connection: close'] })),
    judge: ({ ending, closeNotify }) =>
      ending === 'open'
        ? notApplicable('the connection stays open')
        : judged(
            ending === 'fin' && closeNotify,
            'close_notify, then FIN',
            `${endingInWords[ending]}${closeNotify ? '' : ' without close_notify'}`,
          ),
  }),
  check({
    ...common,
    id: 'a/idle-close-notify',
    title: 'An idle connection over TLS ends with close_notify.',
    sends: 'A GET, and then nothing.',
    expects: 'close_notify, then FIN.',
    why: 'A client cannot tell the end from an attacker who cuts the connection; where it is idle this is often forgotten.',
    needs: ['http1', 'tls', 'persistent'],
    phase: 'patient',
    look: async (scene: Scene) => {
      const client = await scene.connect()
      void client.send(scene.request())
      await answered(client, 1, scene.bounds.answer)
      await ended(client, scene.bounds.patience)
      return observe(client)
    },
    judge: ({ ending, closeNotify }, { bounds }) =>
      ending === 'open'
        ? notApplicable(`it was not closed within ${seconds(bounds.patience)}`)
        : judged(closeNotify, 'close_notify', `${endingInWords[ending]} without close_notify`),
  }),
]

import type { Check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import type { StopScene } from '../process/stop-scene.js'
import { bounds } from './bounds.js'
import { close } from './close.js'
import { earlyAnswer } from './early-answer.js'
import { halfClosed } from './half-closed.js'
import { http2 } from './http2.js'
import { floods } from './http2-floods.js'
import { http10 } from './http10.js'
import { idle, persistence } from './persistence.js'
import { pipelining } from './pipelining.js'
import { slow } from './slow.js'
import { heldUpAtStop } from './stop-held-up.js'
import { sessionsAtStop } from './stop-http2.js'
import { requestsAtStop } from './stop-requests.js'
import { tls } from './tls.js'
import { cutShowsAtStop, tlsCutShows } from './truncated-response.js'

/** The checks that need only a URL. */
export const tierA: readonly Check<Scene>[] = [
  ...persistence,
  ...idle,
  ...close,
  ...http10,
  ...halfClosed,
  ...earlyAnswer,
  ...pipelining,
  ...bounds,
  ...tls,
  ...tlsCutShows,
  ...http2,
  ...floods,
]

/** The checks that need a path with a slow answer. */
export const tierB: readonly Check<Scene>[] = slow

/** The checks that need a process which the probe starts and stops. */
export const tierC: readonly Check<StopScene>[] = [...requestsAtStop, ...heldUpAtStop, ...cutShowsAtStop, ...sessionsAtStop]

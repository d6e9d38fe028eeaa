import type { Check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import { bounds } from './bounds.js'
import { close } from './close.js'
import { tlsCutShows } from './cut-shows.js'
import { earlyAnswer } from './early-answer.js'
import { halfClosed } from './half-closed.js'
import { http2 } from './http2.js'
import { floods } from './http2-floods.js'
import { http10 } from './http10.js'
import { idle, persistence } from './persistence.js'
import { pipelining } from './pipelining.js'
import { tls } from './tls.js'

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

import type { Check } from '../engine/check.js'
import type { Scene } from '../engine/scene.js'
import type { StopScene } from '../process/stop-scene.js'
import { cutShowsAtStop } from './cut-shows.js'
import { holds } from './holds.js'
import { sessionsAtStop } from './http2-stop.js'
import { slow } from './slow.js'
import { requestsAtStop } from './stop.js'
import { tierA } from './tier-a.js'

export { tierA }

/** The checks that need a path with a slow answer. */
export const tierB: readonly Check<Scene>[] = slow

/** The checks that need a process which the probe starts and stops. */
export const tierC: readonly Check<StopScene>[] = [...requestsAtStop, ...holds, ...cutShowsAtStop, ...sessionsAtStop]

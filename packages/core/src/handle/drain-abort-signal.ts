import { setMaxListeners } from 'node:events'

/** Every event stream may listen, so more than ten listeners are no leak. */
export function newDrainAbortSignal(): AbortController {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  return controller
}

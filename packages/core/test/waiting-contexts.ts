import { createHook } from 'node:async_hooks'

/** Counts the async contexts of requests that wait, as async_hooks sees them, until it is stopped. */
export class WaitingContexts {
  begun = 0
  readonly #live = new Set<number>()
  readonly #hook = createHook({
    init: (id, type) => {
      if (!type.startsWith('HALFCLOSE_REQUEST')) return
      this.begun++
      this.#live.add(id)
    },
    destroy: (id) => void this.#live.delete(id),
  }).enable()

  get live(): number {
    return this.#live.size
  }

  stop(): void {
    this.#hook.disable()
  }
}

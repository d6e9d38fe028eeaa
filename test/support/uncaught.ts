import { AsyncLocalStorage } from 'node:async_hooks'
import { runInThisContext } from 'node:vm'

/** In jest's sandbox `process` is a copy, and nobody tells the copy's listeners what was not caught: this is the real one. */
const real: NodeJS.Process = runInThisContext('process')

type Errors = string[]

/**
 * What nobody catches ends a process in production. jest counts some of it for a test, but not what comes after the test or in a hook's context:
 * here it fails the run in whose context it was thrown, and where it has none, every run that is under way.
 */
export class Uncaught {
  /** What no run took for itself. */
  readonly others: Errors = []
  readonly #current = new AsyncLocalStorage<Errors>()
  readonly #running = new Set<Errors>()
  readonly #thrown = (error: unknown) => this.#note('an uncaught exception', error)
  readonly #rejected = (error: unknown) => this.#note('an unhandled rejection', error)

  listen(): void {
    real.on('uncaughtException', this.#thrown)
    real.on('unhandledRejection', this.#rejected)
  }

  stop(): void {
    real.off('uncaughtException', this.#thrown)
    real.off('unhandledRejection', this.#rejected)
  }

  /** Fails where something in `run` was not caught, whatever came of it otherwise. */
  async during<T>(run: () => Promise<T>): Promise<T> {
    const errors: Errors = []
    this.#running.add(errors)
    try {
      return await this.#current.run(errors, run)
    } finally {
      this.#running.delete(errors)
      // biome-ignore lint/correctness/noUnsafeFinally: it is the worse news
      if (errors.length > 0) throw new Error(errors.join('\n'))
    }
  }

  #note(kind: string, error: unknown): void {
    const text = `${kind}: ${error instanceof Error ? error.stack : String(error)}`
    const its = this.#current.getStore()
    const runs = its !== undefined && this.#running.has(its) ? [its] : [...this.#running]
    if (runs.length === 0) this.others.push(text)
    for (const errors of runs) errors.push(text)
  }
}

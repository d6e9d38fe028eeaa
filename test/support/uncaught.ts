import { AsyncLocalStorage } from 'node:async_hooks'
import { runInThisContext } from 'node:vm'

/** The real `process`. In jest's sandbox `process` is a copy, whose listeners do not get uncaught errors. */
const real: NodeJS.Process = runInThisContext('process')

/** One run: its name, and its uncaught errors. */
interface Run {
  what: () => string
  errors: string[]
}

/**
 * Uncaught errors end a process in production. jest assigns some of them to a test, but not those after the test or in a hook's context. Here an
 * uncaught error fails the run in whose context it was thrown; without a context, every run under way.
 */
export class Uncaught {
  /** Errors that belong to no run. */
  readonly others: string[] = []
  readonly #current = new AsyncLocalStorage<Run>()
  readonly #running = new Set<Run>()
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

  /** Fails if there was an uncaught error in `play`, whatever its result. */
  async during<T>(what: () => string, play: () => Promise<T>): Promise<T> {
    const errors: string[] = []
    const run = { what, errors }
    this.#running.add(run)
    try {
      return await this.#current.run(run, play)
    } finally {
      this.#running.delete(run)
      // biome-ignore lint/correctness/noUnsafeFinally: it is the worse news
      if (errors.length > 0) throw new Error(errors.join('\n'))
    }
  }

  #note(kind: string, error: unknown): void {
    const text = `${kind}: ${error instanceof Error ? error.stack : String(error)}`
    const its = this.#current.getStore()
    if (its !== undefined && !this.#running.has(its)) this.others.push(`after ${its.what()}: ${text}`)
    else if (its !== undefined) its.errors.push(text)
    else if (this.#running.size === 0) this.others.push(text)
    else for (const { errors } of this.#running) errors.push(text)
  }
}

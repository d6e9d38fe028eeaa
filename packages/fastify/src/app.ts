import { describe, HalfcloseTypeError, type Logger } from '@halfclose/core/adapter'

/** Throws `HALFCLOSE_NOT_AN_APP` if the plugin is called with another value than a Fastify instance. */
export function requireFastify(app: unknown): void {
  if (typeof app === 'object' && app !== null && 'addHook' in app && 'routing' in app) return
  const express = typeof app === 'function' && 'handle' in app ? '; for an Express app use `halfclose` of @halfclose/express' : ''
  const message = `halfclose: write \`await app.register(halfclose, options)\` with a Fastify app; halfclose() was called with ${describe(app)}${express}`
  throw new HalfcloseTypeError('HALFCLOSE_NOT_AN_APP', message, { value: app })
}

/** The application's logger, unless it is the one of a Fastify without a logger, which would lose the warnings. */
export function loggerOf(app: { log: Logger & { fatal?: unknown } }): Logger | undefined {
  const { log } = app
  return 'level' in log || log.info !== log.fatal ? log : undefined
}

/**
 * For the second server of `localhost`. With `forceCloseConnections`, Fastify ends its connections as soon as the first server has closed, even
 * during the drain. These methods do nothing; after the drain nothing is open.
 */
export function leaveToDrain(second: object): void {
  Object.assign(second, { closeIdleConnections() {}, closeAllConnections() {} })
}

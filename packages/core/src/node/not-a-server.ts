import { Server as NetServer } from 'node:net'
import { describe, HalfcloseTypeError } from '../errors/errors.js'

/** The error for `attach(value)` where `value` is no server. It says what was given, and the line that would be right. */
export function notAServer(value: unknown): HalfcloseTypeError {
  const message = `halfclose: attach() takes an http, https or http2 server, got ${hintFor(value)}`
  return new HalfcloseTypeError('HALFCLOSE_NOT_A_SERVER', message, { value })
}

const RIGHT = '`attach(http.createServer(handler), options)`'

function hintFor(value: unknown): string {
  if (has(value, 'addHook') && has(value, 'routing')) {
    return 'a Fastify app; write `await app.register(halfclose, options)`, with `halfclose` of @halfclose/fastify'
  }
  if (has(value, 'getHttpServer')) return 'a NestJS app; write `attach(app.getHttpServer(), options)` before `app.listen()`'
  if (typeof value === 'function' && has(value, 'handle') && has(value, 'listen')) {
    return 'an Express app; write `halfclose(app, options)`, with `halfclose` of @halfclose/express'
  }
  if (has(value, 'callback') && has(value, 'middleware')) {
    return 'a Koa app; write `attach(http.createServer(app.callback()), options)`'
  }
  if (has(value, 'fetch'))
    return 'what has a fetch(), such as a Hono app; write `attach(serve(app), options)`: serve() returns the server'
  if (has(value, 'then')) return 'a promise; write `attach(await …, options)`'
  for (const name of ['httpServer', 'listener', 'server']) {
    if (has(value, name) && Reflect.get(Object(value), name) instanceof NetServer) {
      return `${describe(value)}, which has a server: write \`attach(it.${name}, options)\``
    }
  }
  if (value instanceof NetServer) return 'a server that speaks no HTTP; attach those that it hands its connections to'
  if (typeof value === 'number') return `${describe(value)}; write ${RIGHT}, and give the port to \`server.listen(${value})\``
  if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return `an object; the server comes first, then the options: ${RIGHT}`
  }
  return `${describe(value)}; write ${RIGHT}`
}

function has(value: unknown, name: string): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return name in value && Boolean(Reflect.get(value, name))
}

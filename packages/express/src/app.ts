import { describe, HalfcloseTypeError } from '@halfclose/core/adapter'

/** Throws `HALFCLOSE_NOT_AN_APP`, with the line that would be right, for a value that is no Express application. */
export function requireExpress(app: unknown): void {
  if (isExpress(app)) return
  const message = `halfclose: \`halfclose(app, options)\` takes an Express app, got ${hintFor(app)}`
  throw new HalfcloseTypeError('HALFCLOSE_NOT_AN_APP', message, { value: app })
}

const RIGHT = '`const app = express(); halfclose(app, { signals: true }); app.listen(3000)`'

function hintFor(app: unknown): string {
  if (has(app, 'addHook'))
    return 'a Fastify app; write `await app.register(halfclose, options)`, with `halfclose` of @halfclose/fastify'
  if (has(app, 'getHttpAdapter'))
    return 'a NestJS app; write `halfclose(app.getHttpAdapter().getInstance(), options)` before `app.listen()`'
  if (has(app, 'listen') && has(app, 'address')) {
    return 'a server; write `halfclose(app, options)` before the app listens, and `.attach(server)` behind it for a server made by hand'
  }
  if (typeof app !== 'function') return `${describe(app)}; write ${RIGHT}`
  if (has(app, 'application')) return `express itself; call it: ${RIGHT}`
  if (has(app, 'handle')) return 'a router; write `halfclose(app, options)` with the app that uses it'
  return 'a function; without Express write `attach(http.createServer(handler), options)`, with `attach` of @halfclose/core'
}

function isExpress(app: unknown): boolean {
  return typeof app === 'function' && has(app, 'handle') && has(app, 'listen')
}

function has(value: unknown, name: string): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return name in value && Boolean(Reflect.get(value, name))
}

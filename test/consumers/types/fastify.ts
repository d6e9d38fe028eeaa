import { readFileSync } from 'node:fs'
import { Type, type TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import byDefault, { halfclose } from '@halfclose/fastify'
import Fastify, {
  type FastifyPluginAsync,
  type FastifyPluginCallback,
  type FastifyPluginOptions,
  type FastifyRegisterOptions,
} from 'fastify'

const app = Fastify({ logger: true })
await app.register(halfclose, { keepAlive: { timeout: 5_000 }, signals: true, readiness: '/ready', logger: app.log })
const state: 'serving' | 'leaving' | 'draining' | 'drained' = app.halfclose.state
const report = await app.halfclose.drain({ reason: 'deploy' })
console.log(state, report.clean, app.halfclose.stats())

await Fastify().register(halfclose)
await Fastify().register(byDefault, { drain: 'fast' })
// @ts-expect-error a misspelt option
await Fastify().register(halfclose, { keepalive: {} })

// A child scope.
app.register(async (child) => {
  await child.register(halfclose, { signals: undefined, readiness: undefined })
  child.get('/', async () => child.halfclose.state)
})

// https
const secure = Fastify({ https: { key: readFileSync('key.pem'), cert: readFileSync('cert.pem') } })
await secure.register(halfclose, { readiness: '/ready' })
console.log(secure.halfclose.ready, secure.server.getTicketKeys())

// HTTP/2
const http2 = Fastify({ http2: true })
await http2.register(halfclose, { readiness: '/ready' })
console.log(http2.halfclose.ready, http2.server.listening)

// NestJS on platform-fastify: its `app.register()` takes plugins for Fastify's usual server only.
interface Nest {
  register<Options extends FastifyPluginOptions>(
    plugin: FastifyPluginCallback<Options> | FastifyPluginAsync<Options>,
    options?: FastifyRegisterOptions<Options>,
  ): Promise<unknown>
  close(): Promise<void>
}
export async function nest(app: Nest): Promise<void> {
  await app.register(halfclose, { signals: true, close: () => app.close() })
  // @ts-expect-error a misspelt option
  await app.register(halfclose, { signal: true })
}

// A type provider survives the registration.
const typed = Fastify().withTypeProvider<TypeBoxTypeProvider>()
await typed.register(halfclose, { keepAlive: { maxRequests: 1_000 } })
typed.get('/:id', { schema: { params: Type.Object({ id: Type.Number() }) } }, async (request) => {
  const id: number = request.params.id
  return { id, state: typed.halfclose.state }
})

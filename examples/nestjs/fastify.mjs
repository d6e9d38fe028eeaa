import { halfclose } from '@halfclose/fastify'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { AppModule } from './app.mjs'

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['warn', 'error'] })

// First the drain, then Nest's hooks. Do not use app.enableShutdownHooks(): it would run the hooks while requests are still in flight.
await app.register(halfclose, {
  signals: true,
  readiness: '/ready',
  // `delay`: how long your load balancer needs to see that /ready says 503. 5 s is enough for most.
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  // Instead of Fastify's own close(), which would not run Nest's hooks. It closes Fastify too.
  close: () => app.close(),
})

app
  .getHttpAdapter()
  .getInstance()
  .addHook('onRequest', async (request) => {
    console.log(request.method, request.url)
  })

await app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1')
console.log('listening on port', app.getHttpServer().address().port)

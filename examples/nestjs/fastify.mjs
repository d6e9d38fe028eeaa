import { halfclose } from '@halfclose/fastify'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { AppModule } from './app.mjs'

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: ['warn', 'error'] })

// First the drain, then Nest's hooks. Not app.enableShutdownHooks(): it would run them while requests are still being answered.
await app.register(halfclose, {
  signals: true,
  readiness: '/ready',
  // `delay`: how long your load balancer needs to see that /ready says no. 5 s suits most.
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  // Instead of Fastify's own close(), of which Nest would not hear. It closes Fastify as well.
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

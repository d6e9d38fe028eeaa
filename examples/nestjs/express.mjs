import { halfclose } from '@halfclose/express'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.mjs'

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] })

// First the drain, then Nest's hooks. Not app.enableShutdownHooks(): it would run them while requests are still being answered.
const connections = halfclose(app.getHttpAdapter().getInstance(), {
  signals: true,
  readiness: '/ready',
  // `delay`: how long your load balancer needs to see that /ready says no. 5 s suits most.
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  onDrained: () => app.close(),
})
// A WebSocket gateway may put socket.io in the app's place: the server would be recognised by its first request only.
connections.attach(app.getHttpServer())

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})

await app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1')
console.log('listening on port', app.getHttpServer().address().port)

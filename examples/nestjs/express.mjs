import { halfclose } from '@halfclose/express'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.mjs'

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] })

// First the drain, then Nest's hooks. Do not use app.enableShutdownHooks(): it would run the hooks while requests are still in flight.
const connections = halfclose(app.getHttpAdapter().getInstance(), {
  signals: true,
  readiness: '/ready',
  // `delay`: how long your load balancer needs to see that /ready says 503. 5 s is enough for most.
  drain: { delay: Number(process.env.DRAIN_DELAY ?? 5_000) },
  onDrained: () => app.close(),
})
// A WebSocket gateway may put socket.io in the app's place. Without this line halfclose would recognise the server only at its first request.
connections.attach(app.getHttpServer())

app.use((request, _response, next) => {
  console.log(request.method, request.url)
  next()
})

await app.listen(Number(process.env.PORT ?? 3000), process.env.HOST ?? '127.0.0.1')
console.log('listening on port', app.getHttpServer().address().port)

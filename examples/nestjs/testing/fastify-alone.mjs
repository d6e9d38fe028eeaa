// Not to be copied: Fastify is drained and closed, and Nest never hears of it.
import { halfclose } from '@halfclose/fastify'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { AppModule } from '../app.mjs'

const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false })
await app.register(halfclose, { signals: true })
await app.listen(0, '127.0.0.1')
console.log('listening on port', app.getHttpServer().address().port)

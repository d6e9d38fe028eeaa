// The examples' ways to leave, with a hook of Nest's that fails.
import { halfclose as express } from '@halfclose/express'
import { halfclose as fastify } from '@halfclose/fastify'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { AppModule } from '../app.mjs'

class Failing {
  onModuleDestroy() {
    throw new Error('the pool would not close')
  }
}

class FailingModule {}
Module({ imports: [AppModule], providers: [Failing] })(FailingModule)

const onFastify = process.env.PLATFORM === 'fastify'
const adapter = onFastify ? [new FastifyAdapter()] : []
const app = await NestFactory.create(FailingModule, ...adapter, { logger: ['error'] })
const close = () => app.close()
if (onFastify) await app.register(fastify, { signals: true, close })
else express(app.getHttpAdapter().getInstance(), { signals: true, onDrained: close })
await app.listen(0, '127.0.0.1')
console.log('listening on port', app.getHttpServer().address().port)

// Not to be copied: Nest's hooks run first, the drain comes after.
import { halfclose } from '@halfclose/express'
import { NestFactory } from '@nestjs/core'
import { AppModule } from '../app.mjs'

const app = await NestFactory.create(AppModule, { logger: false })
halfclose(app.getHttpAdapter().getInstance())
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true })
await app.listen(0, '127.0.0.1')
console.log('listening on port', app.getHttpServer().address().port)

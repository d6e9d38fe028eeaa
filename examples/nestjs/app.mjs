// An application of NestJS without a compiler: the decorators are called as the functions that they are.
import 'reflect-metadata'
import { Body, Controller, Get, HttpCode, Inject, Module, Post } from '@nestjs/common'

/** Stands for yours. Closes in the first of Nest's three hooks, where a request that comes later would find it gone. */
class Database {
  #open = true

  read() {
    if (!this.#open) throw new Error('the database is closed')
    return { hello: 'world' }
  }

  onModuleDestroy() {
    this.#open = false
    console.log('onModuleDestroy')
  }

  beforeApplicationShutdown() {
    console.log('beforeApplicationShutdown')
  }

  onApplicationShutdown() {
    console.log('onApplicationShutdown')
  }
}

class AppController {
  #database

  constructor(database) {
    this.#database = database
  }

  hello() {
    console.log('answers')
    return this.#database.read()
  }

  echo(body) {
    console.log('answers')
    return body
  }
}

function decorate(name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(AppController.prototype, name)
  for (const decorator of decorators) decorator(AppController.prototype, name, descriptor)
}

Controller()(AppController)
Inject(Database)(AppController, undefined, 0)
decorate('hello', Get('/'))
decorate('echo', Post('/echo'), HttpCode(200))
Body()(AppController.prototype, 'echo', 0)

export class AppModule {}
Module({ controllers: [AppController], providers: [Database] })(AppModule)

import { setImmediate as turn } from 'node:timers/promises'
import { Client } from '../../support/client.js'
import { pass, patience, until, within } from '../../support/wait.js'
import { Application } from './application.js'
import { checkEnd, Mismatch, whatIsMissing } from './compare.js'
import { isTorn, modeFor } from './facts.js'
import { Model } from './model.js'
import type { Command, Script, Wish } from './script.js'
import { Sender } from './sender.js'

/** How much later than due something may happen on a busy machine, in ms. */
const SLACK = 3_000

/** One script on one connection: the real server beside the model. Throws where they differ. */
export async function play(script: Script): Promise<void> {
  const one = new Play(script)
  try {
    await one.run()
  } finally {
    await one.dispose()
  }
}

export class Play {
  readonly model: Model
  readonly app: Application
  client!: Client
  sender!: Sender
  /** The server must see the client's FIN. */
  mustEnd = false
  /** Answers compared so far. */
  checked = 0
  /** The client has sent FIN of its own accord. */
  finSent = false
  #settled = true
  #quietSince = performance.now()
  #longWaits = 0

  constructor(readonly script: Script) {
    this.model = new Model(script)
    this.app = new Application(script)
  }

  async run(): Promise<void> {
    const port = await this.app.listen()
    this.client = await Client.open({ port, tls: this.script.tls, obliging: this.script.obliging })
    this.sender = new Sender(this.model, this.app, this.client)
    await until('the connection', () => this.app.connections.stats().connections.opened === 1)
    await this.#settle()
    for (const command of this.script.commands) {
      await this.#do(command)
      this.#checkTime()
    }
    await this.#leave()
    await checkEnd(this)
  }

  async dispose(): Promise<void> {
    this.client?.vanish()
    this.app.server.closeAllConnections()
    await within(this.app.connections.drain({ fast: true }), () => 'the drain of a server without a client')
  }

  async #do(command: Command): Promise<void> {
    const { model, app, client } = this
    switch (command.do) {
      case 'send':
      case 'rest':
      case 'bad':
        if (this.#mute) return
        if (command.do === 'send') await this.sender.send(command)
        else if (command.do === 'rest') await this.sender.rest()
        else await this.sender.bad()
        this.#settled = false
        // An answer before a cut is safe once it has been read.
        return command.calm || model.over !== undefined ? this.#settle() : undefined
      case 'fin': {
        if (this.#mute) return
        const bounded = this.script.halfClosed < 1_000 && model.over === undefined
        if (bounded) await this.#settle()
        if (bounded && (model.blind || model.tunnels)) model.fog = true
        this.#fin()
        await this.#settle()
        if (bounded && !model.fog && model.current !== undefined) await this.#awaitDeadline(this.script.halfClosed, true)
        return
      }
      case 'reset':
        if (this.finSent || model.gone) return
        await this.#settle()
        // Behind what is malformed nothing is read, so that nobody learns that the client has left (packages/core/src/http1/pause-reading.ts).
        if (model.blind || model.tunnels) model.fog = true
        this.#reset()
        return this.#settle()
      case 'burst': {
        if (this.#mute || this.sender.amid) return
        await this.#settle()
        const wishes: Wish[] = Array.from({ length: command.count }, () => ({ kind: 'get', plan: 'length', size: 1 }))
        await this.sender.send({ do: 'send', wishes, part: 1, pieces: 1, calm: true })
        return this.#settle()
      }
      case 'knock':
        await this.#settle()
        return this.#knock(command)
      case 'drain':
        await this.#settle()
        return this.#drain()
      case 'answer':
      case 'begin': {
        await this.#settle()
        const { current } = model
        if (current === undefined || !app.held.has(current.id)) return
        if (command.do === 'begin') {
          if (model.begun !== undefined || current.kind === 'head') return
          model.begin(command.framing)
          app.begin(current.id, command.framing)
        } else this.#answer(command.mode)
        return this.#settle()
      }
      case 'wait':
        if (command.ms > 100 && this.#longWaits++ > 0) return
        await this.#settle()
        await pass(command.ms)
        return this.#settle()
      case 'outwait':
        await this.#settle()
        if (!model.states.includes('idle') || model.states.length > 1 || model.draining || this.#longWaits++ > 0) return
        await until('the hold to end', () => client.ending !== undefined, this.app.hold + SLACK)
        if (performance.now() - this.app.answeredAt < this.app.hold - 20 && !model.fog)
          throw new Mismatch('closed before its hold was over')
        model.expire()
        return this.#settle()
    }
  }

  /** Whether the client can say no more. */
  get #mute(): boolean {
    const { model, script } = this
    if (this.finSent || model.gone || this.client.gone) return true
    return model.over !== undefined && (script.obliging || script.quiet < 1_000 || model.over !== 'fin' || model.upgraded)
  }

  #answer(mode: Parameters<Model['answer']>[0]): void {
    const { model, app } = this
    const { current, begun } = model
    if (current === undefined) return
    const whole = begun === undefined ? modeFor(current, mode) : isTorn(mode) ? 'abort' : 'length'
    model.answer(whole)
    if (begun === undefined) app.answer(current.id, whole)
    else app.end(current.id, whole === 'length')
  }

  #fin(): void {
    this.finSent = true
    this.mustEnd = !this.model.blind && !this.model.tunnels
    this.model.fin(this.#settled, this.checked)
    this.client.fin()
  }

  #reset(): void {
    this.model.reset()
    this.client.reset()
  }

  async #drain(): Promise<void> {
    const { model, app, script } = this
    if (model.draining) return
    // One that waits to be handed over was accepted: how its tunnel ends is another matter.
    if (model.stopped || (model.tunnels && !model.upgraded)) model.fog = true
    model.drain()
    void app.connections.drain()
    await this.#settle()
    if (script.drain.deadline < 1_000 && !model.fog) await this.#awaitDeadline(script.drain.deadline, false)
  }

  /** One that there is no room for is told so, or gets the readiness route, or is dropped; and nobody else notices. */
  async #knock({ asks, leaves }: Extract<Command, { do: 'knock' }>): Promise<void> {
    const { model, app, script } = this
    if (script.crowded === false || model.over !== undefined || model.gone || model.draining || model.fog) return
    const one = await Client.open({ port: app.port, tls: script.tls }).catch(() => undefined)
    if (one === undefined) {
      if (script.crowded === 'answer') throw new Mismatch('one that there is no room for was dropped')
      return
    }
    const path = asks === 'get' ? '/knock' : '/ready'
    void one.send(`${asks === 'head-ready' ? 'HEAD' : 'GET'} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`)
    if (leaves === 'reset') one.vanish()
    else {
      await one.closed()
      const expected = script.crowded === 'drop' ? '' : asks === 'get' ? '503' : '200'
      if (one.statuses !== expected)
        throw new Mismatch(`one that there is no room for got '${one.statuses}', not '${expected}'\n${one}`)
    }
    await until('the one that there was no room for to be gone', async () => (await app.openConnections()) <= 1)
    one.vanish()
  }

  /** What still waits is cut now, and not before. */
  async #awaitDeadline(ms: number, half: boolean): Promise<void> {
    const { model, app } = this
    const began = performance.now()
    if (model.over !== undefined || model.gone) return
    const open = () => {
      // Others may have knocked, and are gone.
      const { opened, closed } = app.connections.stats().connections
      return opened > closed && this.client.ending === undefined
    }
    await until('the cut', () => !open(), ms + SLACK)
    const late = performance.now() - began
    if (late < ms / 2 && !model.fog) throw new Mismatch(`cut after ${late} ms, though it had ${ms}`)
    model.deadline(half)
    await this.#settle()
  }

  /** The client leaves as it came to, after what it is owed. */
  async #leave(): Promise<void> {
    const { model, script } = this
    await this.#settle()
    for (let i = 0; i < 100 && model.current !== undefined && this.app.held.has(model.current.id); i++) {
      this.#answer('length')
      await this.#settle()
    }
    if (model.gone) return
    if (script.tidy === 'reset' && !this.finSent && !(model.over !== undefined && script.obliging)) this.#reset()
    else if (!this.finSent) this.#fin()
    await this.#settle()
  }

  /** Between requests a connection lasts for its hold, in a drain for its promise: a machine too slow to be sure is not tested. */
  #checkTime(): void {
    const { model, app } = this
    const limit = model.draining ? model.promised + 1_000 : app.hold
    if (model.over === undefined && performance.now() - this.#quietSince > limit - 200) model.fog = true
  }

  async #settle(): Promise<void> {
    const { model } = this
    if (model.fog) {
      await pass(3)
      return
    }
    const end = performance.now() + patience
    for (let turns = 0; ; turns++) {
      const missing = whatIsMissing(this)
      if (missing === undefined) break
      if (performance.now() > end) throw new Mismatch(`not within ${patience} ms: ${missing}`)
      await (turns < 40 ? turn() : pass(2))
    }
    if (!this.#settled || model.current !== undefined) this.#quietSince = performance.now()
    this.#settled = true
    this.checked = model.owed.length
  }
}

import { setImmediate as turn } from 'node:timers/promises'
import { Client } from '../../support/client.js'
import { pass, within } from '../../support/wait.js'
import { Sums } from '../sums.mjs'
import { Application } from './application.js'
import { changed, type Script, type Step, wire } from './script.js'

/** Longer than any drain of a script takes, on a machine that is busy with others. */
const LONG = 20_000

/** One script: several clients and a server with everything switched on. It says what must never happen, whatever races what. */
export async function play(script: Script): Promise<void> {
  const app = new Application(script)
  const sums = new Sums(app.connections)
  app.onRequest = () => sums.look()
  const crowd = new Crowd(app, script, await app.listen())
  try {
    for (const { client, step } of script.moves) {
      await crowd.move(client, step)
      sums.look()
    }
    await pass(3)
    const report = await within(app.connections.drain(), () => 'the drain to end', LONG)
    const { open, requests } = app.connections.stats()
    const left = Object.entries(open).filter(([, count]) => count > 0)
    if (left.length > 0) throw new Error(`left open: ${left.join(' ')}`)
    const { received, finished, cut, aborted } = requests
    if (received !== finished + cut + aborted) throw new Error(`received ${received} ≠ ${finished} + ${cut} + ${aborted}`)
    sums.end(report)
    if (sums.wrong !== undefined) throw new Error(sums.wrong)
    crowd.check()
  } finally {
    crowd.leave()
    await app.connections.drain({ fast: true })
  }
}

class Crowd {
  readonly #clients = new Map<number, Client | undefined>()
  /** Those that sent what is no HTTP: what was a request, and what belongs to a body, is anybody's guess. */
  readonly #wild = new Set<number>()
  readonly #ports = new Map<number, number>()
  readonly #left = new Set<number>()
  #count = 0

  constructor(
    private readonly app: Application,
    private readonly script: Script,
    private readonly servers: number[],
  ) {}

  async move(index: number, step: Step): Promise<void> {
    if (step.do === 'drain') return void this.app.connections.drain()
    if (step.do === 'rest') return step.ms === 0 ? turn() : pass(step.ms)
    const client = await this.#client(index)
    if (client === undefined || client.gone) return
    switch (step.do) {
      case 'send':
        return this.#left.has(index) ? undefined : this.#send(index, client, step)
      case 'fin':
        this.#left.add(index)
        return client.fin()
      case 'reset':
        if (!this.#left.has(index)) client.vanish()
        return void this.#left.add(index)
      case 'pause':
        return void client.stream.pause()
      case 'resume':
        return void client.stream.resume()
    }
  }

  check(): void {
    for (const [index, client] of this.#clients) {
      if (client === undefined) continue
      const seen = this.app.seen.get(this.#ports.get(index) ?? -1) ?? []
      const numbers = seen.map((id) => Number(id.slice(1)))
      const wild = this.#wild.has(index)
      if (!wild && numbers.some((number, at) => at > 0 && number <= (numbers[at - 1] ?? -1)))
        throw new Error(`client ${index}: out of order, or twice: ${seen.join(' ')}`)
      checkAnswers(client, seen, wild)
    }
  }

  leave(): void {
    for (const client of this.#clients.values()) client?.vanish()
  }

  /** The one that is turned away at once is none. */
  async #client(index: number): Promise<Client | undefined> {
    if (this.#clients.has(index)) return this.#clients.get(index)
    const tls = this.script.tls[index] === true
    const client = await Client.open({ port: this.servers[tls ? 1 : 0] ?? 0, tls }).catch(() => undefined)
    this.#clients.set(index, client)
    if (client !== undefined) this.#ports.set(index, client.raw.localPort ?? 0)
    return client
  }

  async #send(index: number, client: Client, { wishes, times, mutation, pieces }: Extract<Step, { do: 'send' }>): Promise<void> {
    if (mutation !== undefined) this.#wild.add(index)
    const texts: string[] = []
    for (let round = 0; round < times; round++)
      for (const wish of wishes) {
        const small = times === 1 ? wish : { ...wish, size: 1 }
        const { text, method } = wire(small, `r${this.#count++}`)
        texts.push(text)
        client.parser.methods.push(method)
      }
    const bytes = changed(Buffer.from(texts.join(''), 'latin1'), mutation)
    const size = Math.max(1, Math.ceil(bytes.length / pieces))
    for (let at = 0; at < bytes.length; at += size) {
      void client.send(bytes.subarray(at, at + size))
      if (pieces > 1) await turn()
    }
  }
}

/** Whole answers are to requests that were run, in their order, once; what was broken off looks it; and behind a close there is nothing. */
function checkAnswers(client: Client, seen: string[], wild: boolean): void {
  let last = -1
  const fail = (what: string): never => {
    throw new Error(`${what}; the application was given ${seen.join(' ')}\n${client}`)
  }
  const answers = client.answers.list
  for (const [at, answer] of answers.entries()) {
    if (wild) return // the client does not know the methods any more
    if (at > 0 && answers[at - 1]?.closes === true) fail('an answer behind a close')
    const [, id, plan] = /^\/(r\d+)-([a-z-]+)/.exec(answer.text) ?? []
    if (answer.status !== 200 || id === undefined) continue
    const place = seen.indexOf(id)
    if (place <= last) fail(`an answer to ${id}, which was not run, or answered before`)
    last = place
    // A reset together with data may look like an end to the client.
    if (plan !== 'torn-unframed' && !answer.text.includes('.')) fail(`half an answer looks whole: ${answer.text.slice(0, 80)}`)
  }
  if (!wild && client.parser.garbage !== '') fail('what is no response')
}

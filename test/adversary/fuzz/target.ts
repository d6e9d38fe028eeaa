import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { attach, type Connections } from '@halfclose/core'
import { Client } from '../../support/client.js'
import { until, within } from '../../support/wait.js'
import { baseSeed } from '../seeds.js'
import { build, type Case } from './pipeline.js'

const pem = (name: string): Buffer => readFileSync(join(__dirname, '../../support/cert', `${name}.pem`))

/** Two servers under one policy, and what their application was given on each connection. */
export class Target {
  readonly connections: Connections
  readonly #servers: Server[]
  readonly #seen = new Map<string, string[]>()
  readonly #played = new Map<string, Case>()
  #serial = 0

  constructor() {
    const handle = (req: IncomingMessage, res: ServerResponse) => this.#handle(req, res)
    const plain = createServer(handle)
    const secure = createTlsServer({ key: pem('key'), cert: pem('cert') }, handle)
    this.#servers = [plain, secure]
    const logger = { info: () => {}, warn: () => {} }
    this.connections = attach(plain, { linger: { quiet: 500 }, drain: 'fast', logger }).attach(secure)
  }

  /** Its listeners keep no process alive. */
  static async open(): Promise<Target> {
    const target = new Target()
    for (const server of target.#servers) await once(server.listen(0, '127.0.0.1').unref(), 'listening')
    return target
  }

  /** Nothing is open afterwards, or it says what is. */
  async close(): Promise<void> {
    const open = () => Object.entries(this.connections.stats().open).filter(([, count]) => count > 0)
    const nothingOpen = until('nothing open', () => open().length === 0)
    await nothingOpen.catch(async () => {
      const left = open().join(' ')
      const { heldBy } = await this.connections.drain()
      const cases = heldBy.map(({ path }) => JSON.stringify(this.#played.get(/^\/(s\w+s)x/.exec(path ?? '')?.[1] ?? '')))
      throw new Error(`left open, with HALFCLOSE_SEED=${baseSeed}: ${left}: ${JSON.stringify(heldBy)} ${cases}`)
    })
    const report = await within(this.connections.drain(), () => 'the drain to end')
    if (!report.clean) throw new Error(`held by ${JSON.stringify(report.heldBy)}`)
    const { received, finished, cut, aborted } = this.connections.stats().requests
    if (received !== finished + cut + aborted) throw new Error(`received ${received} ≠ ${finished} + ${cut} + ${aborted}`)
  }

  async play(one: Case): Promise<void> {
    const serial = `s${(this.#serial++).toString(36)}s`
    this.#played.set(serial, one)
    const { bytes, owed } = build(one, serial)
    await this.exchange(bytes, owed, one)
  }

  /** Sends the bytes, leaves, and compares what came back with what was owed. */
  async exchange(bytes: Buffer, owed: string[], { delivery, leave, tls }: Omit<Case, 'parts' | 'mutations'>): Promise<void> {
    const client = await Client.open({ port: this.#port(tls), tls })
    const seen: string[] = []
    this.#seen.set(`${client.raw.localPort} ${client.raw.remotePort}`, seen)
    try {
      const size = delivery === 'whole' ? bytes.length : delivery === 'pieces' ? 50 : Math.max(1, Math.ceil(bytes.length / 1_000))
      for (let at = 0; at < bytes.length && !client.gone; at += size) {
        void client.send(bytes.subarray(at, at + size))
        if (delivery !== 'whole') await turn()
      }
      if (leave === 'fin' && client.ending === undefined) client.fin()
      for (const path of owed) {
        const answer = await client.next()
        if (answer.status !== 200 || !answer.text.startsWith(path)) fail(`${path} was owed, not ${answer} ${answer.text}`, client)
      }
      if (leave === 'fin' && (await client.closed()) !== 'fin') fail('it was reset', client)
      checkAnswers(client, seen)
      checkRuns(client, seen, bytes.toString('latin1'))
    } finally {
      client.vanish()
    }
  }

  #port(tls: boolean): number {
    const address = this.#servers[tls ? 1 : 0]?.address()
    if (address === null || address === undefined || typeof address === 'string') throw new Error('no port')
    return address.port
  }

  #handle(req: IncomingMessage, res: ServerResponse): void {
    const path = req.url ?? ''
    const { remotePort, localPort } = req.socket
    this.#seen.get(`${remotePort} ${localPort}`)?.push(path)
    const answer = () => void res.end(`${path}.`)
    if (path.endsWith('-read')) req.resume().on('end', answer)
    else if (path.endsWith('-soon')) setTimeout(answer, 2)
    else answer()
  }
}

/** Each answer belongs to the request in its place; behind a close, or an error, there is nothing. */
function checkAnswers(client: Client, seen: string[]): void {
  const answers = client.answers.list
  let place = 0
  for (const [index, answer] of answers.entries()) {
    if (index > 0 && answers[index - 1]?.closes === true) fail('an answer behind a close', client)
    if (answer.status === 200 && answer.text !== `${seen[place++]}.`)
      fail(`answer ${index + 1} is not to ${seen[place - 1]}: ${answer.text}`, client)
    if (answer.status !== 200 && answer.status !== 417 && !answer.closes) fail(`an error that does not close: ${answer}`, client)
  }
  if (client.parser.garbage !== '') fail('what is no response', client)
}

/** None twice; none without an answer but the last, whose body may be what was wrong. */
function checkRuns(client: Client, seen: string[], sent: string): void {
  for (const path of new Set(seen)) {
    const times = seen.filter((other) => other === path).length
    if (times > sent.split(` ${path}`).length - 1) fail(`${path} was run ${times} times`, client)
  }
  const answered = client.answers.list.filter(({ status }) => status === 200).length
  if (client.ending !== undefined && seen.length > answered + 1) fail(`${seen.join(' ')} were run, ${answered} answered`, client)
}

function fail(what: string, client: Client): never {
  throw new Error(`${what}\n${client}`)
}

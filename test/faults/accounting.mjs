/**
 * Clients that keep account: of every request it is known what its client was told. Beside the ledger of the server, which knows what was run, that tells
 * what was lost without a word.
 */
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'

/**
 * What a client was told of a request. `refused`: 503. `cut`: its connection or its stream ended without the whole of an answer, and the client saw that.
 * `foreign`: an answer that is another request's. `unknown`: nothing so far.
 * @typedef {'answered' | 'refused' | 'cut' | 'foreign' | 'unknown'} Outcome
 */
/** @typedef {'http' | 'https' | 'h2c' | 'h2' | 'express' | 'fastify'} Kind */
/** @typedef {Record<string, number>} Ledger how often each request was run */
/** @typedef {{ end: () => void, ask: (id: string, path: string, body: number) => Promise<Outcome>, readonly isOver: boolean }} Wire */
/** @typedef {{ attempts: number, answered: number, refused: number, cut: number, cutAfterRun: number, wrong: string[] }} Verdict */

const TLS = { rejectUnauthorized: false }
/** Milliseconds of silence before a client's kernel asks whether the server is there. */
const PROBE = 5_000

/** All requests of some clients. */
export class Account {
  /** @type {Map<string, Outcome>} */
  outcomes = new Map()
  #clients = 0
  #name

  /** `name`: begins the name of each request. @param {string} [name] */
  constructor(name = 'c') {
    this.#name = name
  }

  /** @param {{ port: number, kind: Kind }} target */
  client(target) {
    return new AccountingClient(this, target, `${this.#name}${this.#clients++}`)
  }

  /** What both sides know together. @param {Ledger} ledger @returns {Verdict} */
  verdict(ledger) {
    /** @type {Verdict} */
    const found = { attempts: this.outcomes.size, answered: 0, refused: 0, cut: 0, cutAfterRun: 0, wrong: [] }
    for (const [id, outcome] of this.outcomes) {
      const runs = ledger[id] ?? 0
      if (outcome === 'answered') found.answered++
      else if (outcome === 'refused') found.refused++
      else if (outcome === 'cut') found.cut++
      if (outcome === 'cut' && runs > 0) found.cutAfterRun++
      if (runs > 1) found.wrong.push(`${id} was run ${runs} times`)
      if (outcome === 'foreign') found.wrong.push(`${id} was answered with another's answer`)
      if (outcome === 'answered' && runs === 0) found.wrong.push(`${id} was answered, and never run`)
      if (outcome === 'unknown') found.wrong.push(`${id} was ${runs > 0 ? 'run, and ' : ''}neither answered nor visibly cut`)
    }
    for (const id in ledger) if (!this.outcomes.has(id)) found.wrong.push(`${id} was run, and never asked`)
    return found
  }
}

/** Of several processes. @param {...Ledger} ledgers @returns {Ledger} */
export function together(...ledgers) {
  /** @type {Ledger} */
  const all = {}
  for (const ledger of ledgers) for (const id in ledger) all[id] = (all[id] ?? 0) + (ledger[id] ?? 0)
  return all
}

/** Clients that go on asking until they are told to stop. */
export class Load {
  #isOver = false
  #done
  clients

  /** `random`: from 0 to 1. @param {Account} account @param {{ port: number, kind: Kind }} target @param {{ clients?: number, random?: () => number, pause?: number }} [how] */
  constructor(account, target, { clients = 10, random = Math.random, pause = 30 } = {}) {
    this.clients = Array.from({ length: clients }, () => account.client(target))
    this.#done = Promise.all(this.clients.map((client) => this.#go(client, random, pause)))
  }

  /** @param {AccountingClient} client @param {() => number} random @param {number} pause */
  async #go(client, random, pause) {
    while (!this.#isOver) {
      const outcome = await client.ask({ ms: Math.round(random() * 40), body: random() < 0.3 ? 5_000 : 0 })
      await sleep(outcome === 'answered' ? random() * pause : 50)
    }
  }

  /** Each client hears of its last request first. */
  async stop() {
    this.#isOver = true
    await this.#done
  }

  close() {
    this.#isOver = true
    for (const client of this.clients) client.close()
  }
}

/** One client: one connection at a time, kept as long as the server keeps it. */
export class AccountingClient {
  #account
  #target
  #name
  #asked = 0
  /** @type {Wire | undefined} */
  #wire

  /** @param {Account} account @param {{ port: number, kind: Kind }} target @param {string} name */
  constructor(account, target, name) {
    this.#account = account
    this.#target = target
    this.#name = name
  }

  /** One request, told once. `target` may change between two. `size`: of the answer, in bytes. @param {{ ms?: number, body?: number, path?: string, size?: number }} [request] @returns {Promise<Outcome>} */
  async ask({ ms = 0, body = 0, path = '/r', size = 0 } = {}) {
    const id = `${this.#name}.${this.#asked++}`
    this.#account.outcomes.set(id, 'unknown')
    if (this.#wire === undefined || this.#wire.isOver) this.#wire = open(this.#target)
    const outcome = await this.#wire.ask(id, `${path}/${id}?ms=${ms}${size > 0 ? `&size=${size}` : ''}`, body)
    this.#account.outcomes.set(id, outcome)
    return outcome
  }

  /**
   * Asks until it is answered: with another request after each that was refused or cut. How many it took; 0: not within `tries`.
   * @param {{ ms?: number, body?: number, path?: string, tries?: number, pause?: number }} [request]
   */
  async insist({ tries = 100, pause = 20, ...request } = {}) {
    for (let tried = 1; tried <= tries; tried++) {
      const outcome = await this.ask(request)
      if (outcome === 'answered' || outcome === 'foreign') return tried
      await sleep(pause)
    }
    return 0
  }

  /** From now on elsewhere. @param {number} port */
  moveTo(port) {
    this.#target = { ...this.#target, port }
  }

  close() {
    this.#wire?.end()
    this.#wire = undefined
  }
}

/** @param {{ port: number, kind: Kind }} target @returns {Wire} */
function open({ port, kind }) {
  return kind === 'h2' || kind === 'h2c' ? openHttp2(port, kind === 'h2') : openHttp1(port, kind === 'https')
}

/** @param {number} port @param {boolean} tls @returns {Wire} */
function openHttp1(port, tls) {
  const socket = tls ? connectTls({ port, host: '127.0.0.1', ...TLS }) : connectTcp({ port, host: '127.0.0.1', noDelay: true })
  // A client that only waits hears of a link that has gone for ever by its probes.
  socket.setKeepAlive(true, PROBE)
  let isOver = false
  let input = ''
  /** @type {{ id: string, tell: (outcome: Outcome) => void } | undefined} */
  let asked
  /** @param {Outcome} outcome */
  const tell = (outcome) => {
    const now = asked
    asked = undefined
    now?.tell(outcome)
  }
  const end = () => {
    isOver = true
    tell('cut')
    socket.destroy()
  }
  socket.setEncoding('latin1').on('data', (text) => {
    input += text
    const answer = takeAnswer(input)
    if (answer === undefined) return
    const outcome = asked === undefined || answer.rest !== '' ? 'foreign' : outcomeOf(answer.status, answer.body, asked.id)
    input = ''
    if (answer.closes) {
      isOver = true
      socket.end()
    }
    tell(outcome)
  })
  socket.on('error', end).on('end', end).on('close', end)
  return {
    end,
    get isOver() {
      return isOver
    },
    ask: (id, path, body) =>
      new Promise((resolve) => {
        asked = { id, tell: resolve }
        const head = `${body > 0 ? 'POST' : 'GET'} ${path} HTTP/1.1\r\nHost: a\r\n`
        socket.write(body > 0 ? `${head}Content-Length: ${body}\r\n\r\n${'x'.repeat(body)}` : `${head}\r\n`)
      }),
  }
}

/** @param {string} input */
function takeAnswer(input) {
  const end = input.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = input.slice(0, end)
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
  const rest = input.slice(end + 4)
  if (rest.length < length) return undefined
  return {
    status: Number(head.slice(9, 12)),
    body: rest.slice(0, length),
    rest: rest.slice(length),
    closes: /\r\nconnection: *close/i.test(head),
  }
}

/** @param {number} status @param {string} body @param {string} id @returns {Outcome} */
function outcomeOf(status, body, id) {
  if (status === 503) return 'refused'
  // A proxy says that its backend cut it.
  if (status === 502 || status === 504) return 'cut'
  return status === 200 && body.split(' ')[0] === id ? 'answered' : 'foreign'
}

/** @param {number} port @param {boolean} tls @returns {Wire} */
function openHttp2(port, tls) {
  const session = connectHttp2(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, TLS)
  session.once('connect', (_session, socket) => socket.setKeepAlive(true, PROBE))
  let isOver = false
  const end = () => {
    isOver = true
    session.destroy()
  }
  session.on('error', () => {}).on('close', () => (isOver = true))
  session.on('goaway', () => {
    isOver = true
  })
  return {
    end,
    get isOver() {
      return isOver || session.closed || session.destroyed
    },
    ask: (id, path, body) =>
      new Promise((resolve) => {
        let status = 0
        let text = ''
        let isWhole = false
        /** @type {import('node:http2').ClientHttp2Stream} */
        let stream
        try {
          stream = session.request({ ':path': path, ':method': body > 0 ? 'POST' : 'GET' }, { endStream: body === 0 })
        } catch {
          resolve('cut')
          return
        }
        stream.on('response', (headers) => (status = headers[':status'] ?? 0))
        stream.setEncoding('latin1').on('data', (chunk) => (text += chunk))
        stream.on('end', () => (isWhole = status !== 0))
        stream.on('error', () => {})
        stream.on('close', () => resolve(isWhole && stream.rstCode === 0 ? outcomeOf(status, text, id) : 'cut'))
        if (body > 0) stream.end('x'.repeat(body))
      }),
  }
}

import { type Ending, is10, isTorn, MALFORMED, modeFor, type Owed, owedFor, type Request, refusal, type State } from './facts.js'
import type { Framing, Mode, Script } from './script.js'

/** One connection as the design has it. Everything happens here at once: the test lets the real one catch up before it compares. */
export class Model {
  /** Ids in the order in which the application must be given them. */
  readonly seen: string[] = []
  readonly owed: Owed[] = []
  readonly waiting: Request[] = []
  current: Request | undefined
  /** The current answer's head is written: how it is framed, and whether it announced the end. */
  begun: { framing: Framing; closes: boolean } | undefined
  /** The request whose body is not all there. */
  open: Request | undefined
  halfHead = false
  over: Ending | undefined
  /** Between requests, or at the end of a drain: the linger is short. */
  wasIdle = false
  upgraded = false
  tunnelled = ''
  inputEnded = false
  gone = false
  draining = false
  promised = 0
  requests = 0
  /** Answers finished, and requests cut, since the drain began. */
  finished = 0
  cut = 0
  /** What the model no longer knows, as two things race: only that nothing forbidden happens is checked from now on. */
  fog = false
  #touched = false
  #failed = false
  #finUnread = false

  constructor(readonly rules: Omit<Script, 'commands'>) {}

  get states(): readonly State[] {
    if (this.gone) return ['none']
    if (this.over !== undefined) {
      if (this.over === 'reset' || this.inputEnded || this.rules.obliging) return ['none']
      if (this.upgraded) return ['upgraded', 'none']
      if (this.rules.quiet < 1_000) return ['none']
      return this.wasIdle || this.over === 'either' ? ['lingering', 'none'] : ['lingering']
    }
    if (this.upgraded) return ['upgraded']
    if (this.current !== undefined) return [this.begun?.closes === true ? 'closing' : 'busy']
    // Half a head that came in one piece with the message before it is visible to nobody (packages/core/src/server/governed-server.ts).
    if (this.halfHead) return this.requests > 0 ? ['busy', 'idle'] : ['busy']
    if (this.open !== undefined) return ['busy', 'idle']
    return [this.#touched ? 'idle' : 'silent']
  }

  /** Nothing that is sent now reaches anybody. */
  get deaf(): boolean {
    return this.gone || this.inputEnded || this.over !== undefined
  }

  /** What is sent now is left unread: what is malformed waits for the answers before it. */
  get blind(): boolean {
    return this.#failed
  }

  /** What is sent now means nothing: it comes behind what is malformed, or behind a request that said close. */
  get #heedless(): boolean {
    if (this.deaf || this.#failed) return true
    return [this.current, ...this.waiting].some((one) => one?.kind === 'closing' || one?.kind === 'get10')
  }

  /** So many wait, or one with a body, that nothing more is parsed (packages/core/src/http1/pause-reading.ts): what has come before a drain is not known. */
  get stopped(): boolean {
    return (
      this.waiting.length >= 16 || this.waiting.some(({ kind }) => kind === 'post' || kind === 'chunked' || kind === 'expect')
    )
  }

  /** Bytes follow an upgrade or CONNECT: they are no requests. */
  get tunnels(): boolean {
    return this.upgraded || this.waiting.some(({ kind }) => kind === 'upgrade' || kind === 'connect')
  }

  /** A request's head is there, perhaps without all of its body. */
  arrive(request: Omit<Request, 'early'>, complete: boolean): void {
    this.#touched = true
    this.halfHead = false
    if (this.#heedless) return
    const one = { ...request, early: !this.draining }
    this.waiting.push(one)
    if (!complete) this.open = one
    this.#advance()
  }

  arriveHalf(): void {
    this.#touched = true
    if (!this.#heedless) this.halfHead = true
  }

  bodyDone(): void {
    const { open } = this
    this.open = undefined
    if (open !== undefined && open === this.current && open.plan === 'read' && this.begun === undefined) this.answer('length')
  }

  /** The input makes no sense. */
  broken(): void {
    this.#touched = true
    if (this.#heedless) return
    this.#spoil()
  }

  fin(settled: boolean, checked: number): void {
    if (this.gone || this.inputEnded) return
    this.#finUnread = this.blind
    // Behind a body that waits it is not read: whether the last answer knows of it is open.
    if (this.stopped) this.fog = true
    this.inputEnded = true
    // It may be seen before the heads of answers that are still being written.
    if (!settled)
      for (const owed of this.owed.slice(checked)) {
        owed.closes ||= undefined
        if (owed.id === MALFORMED) owed.optional = true
      }
    if (this.over !== undefined) return
    if (this.upgraded) this.over = 'fin'
    else if (this.halfHead || this.open !== undefined) this.#spoil()
    else if (this.current === undefined) this.#end('fin')
  }

  reset(): void {
    this.gone = true
    this.current = undefined
    this.waiting.length = 0
  }

  drain(): void {
    this.draining = true
    // The application ends what it has taken over when the signal says so.
    if (this.upgraded) this.over ??= 'fin'
    else this.#leaveIfDue()
  }

  /** The drain's deadline, or that of a half-closed client. */
  deadline(half: boolean): void {
    if (this.over !== undefined || this.gone) return
    if (this.halfHead && this.requests > 0) this.fog = true // idle, or busy
    if (this.current !== undefined && !half) this.cut++
    if (this.current === undefined && !this.halfHead && this.open === undefined) this.wasIdle = true
    if (this.wasIdle) this.#end('fin')
    else this.#end(this.begun?.framing === 'unframed' ? 'reset' : 'either')
  }

  expire(): void {
    this.wasIdle = true
    this.#end('fin')
  }

  begin(framing: Framing): void {
    const { current } = this
    if (current === undefined || this.begun !== undefined) return
    if (this.#finUnread && this.waiting.length === 0) this.fog = true
    const real = framing === 'chunked' && is10(current) ? 'unframed' : framing
    this.begun = { framing: real, closes: this.#closes(current, real === 'unframed') }
    if (!this.begun.closes) this.#promise()
  }

  /** The current request is answered, wholly or not. */
  answer(mode: Mode): void {
    const { current, begun } = this
    if (current === undefined) return
    if (isTorn(mode)) {
      if (this.draining) this.cut++
      const unframed =
        begun === undefined ? mode.endsWith('unframed') || (mode !== 'abort' && is10(current)) : begun.framing === 'unframed'
      this.#end(unframed ? 'reset' : 'either')
      return
    }
    const unframed = mode === 'unframed' || (mode === 'chunked' && is10(current) && current.kind !== 'head')
    const closes = begun?.closes ?? (mode === 'close' || mode === 'misfit' || this.#closes(current, unframed))
    if (begun === undefined && !closes) this.#promise()
    if (this.draining) this.finished++
    // The client's FIN lies unread behind what is malformed: whoever does not know of it persists, and answers that as well.
    const unsure = this.#failed && this.#finUnread && this.waiting.length === 0
    if (mode !== 'short') this.owed.push(owedFor(current, mode, closes, closes ? undefined : this.#left))
    this.current = undefined
    this.begun = undefined
    if (unsure) this.#maybeRefuse()
    if (closes || mode === 'long' || mode === 'short') this.#end('fin')
    else if (this.inputEnded && this.waiting.length === 0 && !this.#failed) this.#end('fin')
    else this.#advance()
  }

  #advance(): void {
    while (this.current === undefined && this.over === undefined && !this.upgraded) {
      const next = this.waiting.shift()
      if (next === undefined) break
      this.#handOver(next)
    }
    if (this.current !== undefined || this.over !== undefined || this.upgraded) return
    if (this.#failed) this.#refuse(MALFORMED, 400)
    else this.#leaveIfDue()
  }

  #handOver(request: Request): void {
    const { id, kind, plan } = request
    if (kind === 'connect' && !this.rules.connects) this.#refuse(id, this.draining ? 503 : 501)
    else if ((kind === 'upgrade' || kind === 'connect') && this.draining) this.#refuse(id, 503)
    else if (kind === 'upgrade' || kind === 'connect') {
      this.seen.push(id)
      this.upgraded = true
      this.owed.push({ id, status: kind === 'upgrade' ? 101 : 200, text: undefined, closes: undefined, max: undefined })
      if (this.inputEnded) this.over = 'fin'
    } else if (kind === 'no-host') {
      this.requests++
      if (this.draining) this.finished++
      this.#refuse(id, 400)
    } else {
      this.requests++
      this.seen.push(id)
      this.current = request
      if (plan !== 'held' && plan !== 'read') this.answer(modeFor(request, plan))
      else if (plan === 'read' && this.open !== request) this.answer('length')
    }
  }

  /** RFC 9112 §9.3, and the policy. */
  #closes({ kind }: Request, unframed: boolean): boolean {
    const { keepAlive } = this.rules
    if (unframed || keepAlive === false || kind === 'closing' || kind === 'get10') return true
    if (kind === 'keep10' && keepAlive.http10 !== 'grant') return true
    if (keepAlive.maxRequests !== false && this.requests >= keepAlive.maxRequests) return true
    if (this.draining && this.waiting[0]?.early !== true) return true
    return this.inputEnded && this.waiting.length === 0
  }

  /** What `max=` counts down to. */
  get #left(): number | undefined {
    const { keepAlive } = this.rules
    return keepAlive === false || keepAlive.maxRequests === false ? undefined : keepAlive.maxRequests - this.requests
  }

  #promise(): void {
    const { keepAlive } = this.rules
    this.promised = keepAlive === false ? 0 : keepAlive.timeout
  }

  #maybeRefuse(): void {
    const last = this.owed.at(-1)
    if (last !== undefined) last.closes = undefined
    this.owed.push({ ...refusal(MALFORMED, 400), optional: true })
  }

  #refuse(id: string, status: number): void {
    this.owed.push(refusal(id, status))
    this.#end('fin')
  }

  /** A request that is broken is never run, or answered with the error; the answers before it come first. */
  #spoil(): void {
    const { open, current } = this
    this.open = undefined
    this.halfHead = false
    if (open !== undefined && this.waiting.includes(open)) {
      // A body that waits is not parsed: that it is malformed may be found before its request is run, or amid it.
      this.fog = true
      this.waiting.splice(this.waiting.indexOf(open), 1)
    } else if (open !== undefined && open === current) {
      if (this.begun !== undefined) this.#end(this.begun.framing === 'unframed' ? 'reset' : 'either')
      else this.#refuse(MALFORMED, 400)
      return
    } else if (open !== undefined) {
      this.#end('fin') // answered already: nothing more is owed
      return
    }
    this.#failed = true
    this.#advance()
  }

  /** Between requests, in a drain: whoever holds no promise goes. */
  #leaveIfDue(): void {
    if (!this.draining || this.over !== undefined || this.current !== undefined || this.halfHead || this.gone) return
    const due = this.#touched ? this.rules.drain.idle === 0 || this.promised === 0 : this.rules.drain.silent === 0
    if (!due) return
    // Its body has not all arrived: it goes, or stays for the rest that has begun to come.
    if (this.open !== undefined) this.fog = true
    this.wasIdle = true
    this.#end('fin')
  }

  #end(ending: Ending): void {
    this.over = ending
    this.current = undefined
    this.begun = undefined
    this.waiting.length = 0
    this.halfHead = false
  }
}

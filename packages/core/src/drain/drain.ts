import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { attempt } from '../events/attempt.js'
import type { Events } from '../events/events.js'
import type { PromiseBreaker, Report, ServerState } from '../events/types.js'
import { cut } from '../http1/close.js'
import type { Connection } from '../http1/connection.js'
import { noteWritten } from '../http1/response-written.js'
import { killSession } from '../http2/goaway.js'
import type { Session } from '../http2/session.js'
import { atOnce } from '../node/parser.js'
import type { Timer, Timers } from '../node/timers.js'
import type { DrainPolicy } from '../options/types.js'
import { idleDue, keepableFor, sessionDue, silentDue } from '../policy.js'
import type { DrainUnderWay } from '../server/drain-under-way.js'
import type { Site } from '../server/governed-server.js'
import { Looks } from '../server/looks.js'
import { cutStalled, peersOf, Stalls } from '../server/stalled-peers.js'
import { beginLook, type Look } from '../server/waits-for.js'
import { Due } from './close-in-batches.js'
import { endAtDeadline, endSessionAtDeadline } from './deadline.js'
import { endUpgraded } from './end-upgraded.js'
import { progressLine } from './held.js'
import { tellProgress } from './progress-line.js'
import { cutByOthersMessage, endLine, formatReport, mergeReports, wentWell } from './report.js'
import { finishClose, stopListening } from './stop-listening.js'
import { Tally } from './tally.js'

/** How often a drain looks at who may go, in ms. */
const SWEEP = 50

/** One drain of one or more servers: `leaving`, `draining`, `drained`, within the deadline. */
export class Run implements DrainUnderWay {
  readonly done: Promise<Report>
  readonly #sites: readonly Site[]
  readonly #events: Events
  readonly #timers: Timers
  readonly #plan: DrainPolicy
  readonly #tally: Tally
  readonly #onPhase: (phase: ServerState) => void
  readonly began = performance.now()
  readonly #due: Due
  readonly #stalls: Stalls
  /** For the words of what holds it up. */
  readonly #looks = new Looks()
  readonly #others: Promise<Report>[]
  /** Resolves once whatever is left has been handed over to another protocol. */
  readonly onlyUpgraded: Promise<void>
  readonly #probes = new WeakSet<object>()
  #settle: (report: Report) => void = () => {}
  #noneButUpgraded: () => void = () => {}
  #stopped = false
  /** Sockets that are destroyed, but not closed yet. */
  readonly #closing = new Set<Socket>()
  /** When the last request arrived. */
  #usedAt = 0
  /** Milliseconds in which the process had stood still before the phase began, and before the last look. */
  #lostBefore: number
  #lostAtSweep = 0
  #looking: Timer | undefined
  #wake: (() => void) | undefined

  /** `others`: drains of single servers that are under way; this one ends, and reports, with them ({@link join}). */
  constructor(
    sites: readonly Site[],
    events: Events,
    timers: Timers,
    plan: DrainPolicy,
    reason: string,
    onPhase: (phase: ServerState) => void,
    others: readonly Promise<Report>[] = [],
  ) {
    this.#others = [...others]
    this.onlyUpgraded = new Promise((resolve) => {
      this.#noneButUpgraded = resolve
    })
    this.#sites = sites
    this.#events = events
    this.#timers = timers
    this.#lostBefore = timers.lost
    this.#plan = plan
    this.#stalls = new Stalls(plan.minRate)
    this.#due = new Due(
      (connection, now) => this.#isDue(connection, now),
      () => this.#lookAgain(),
    )
    this.#onPhase = onPhase
    this.#tally = new Tally(reason, this.began, sites[0]?.counts.drain ?? { finished: 0, rescued: 0, cut: 0 })
    this.done = new Promise((resolve) => {
      this.#settle = resolve
    })
    for (const site of sites) {
      site.run = this
      this.#tally.wasCut(site.takeCut())
    }
  }

  /** Apart from the constructor: listeners that are told of the first phase must find the run where it belongs. */
  start(): void {
    void this.#timers.inRoot(() => this.#work()).then(this.#settle, this.#giveUp)
  }

  /** Milliseconds left until the deadline. */
  remaining(): number {
    return Math.max(0, this.began + this.#plan.deadline - performance.now())
  }

  /** When it entered `draining`, or began. */
  get since(): number {
    return this.#tally.leftAt
  }

  /** It waits for no idle connection, and so not for late ones either. */
  get #isFast(): boolean {
    return this.#plan.idle === 0 && this.#plan.silent === 0
  }

  /** What is left of the plan, for a server that comes under the policy meanwhile. */
  rest(): DrainPolicy {
    const { delay, upgraded } = this.#plan
    const deadline = this.remaining()
    return {
      ...this.#plan,
      delay: Math.max(0, delay - (performance.now() - this.began)),
      deadline,
      upgraded: Math.min(upgraded, deadline),
    }
  }

  /** This one ends, and reports, with the drain of such a server. */
  join(other: Promise<Report>): void {
    this.#others.push(other)
  }

  keepable(): number {
    const untilDraining = Math.max(0, this.began + this.#plan.delay + this.#lost - performance.now())
    return keepableFor(this.#plan.idle, untilDraining, this.remaining())
  }

  /** While `leaving`: the part of the delay that is over, from 0 to 1. */
  left(): number {
    return this.#leftAt(performance.now())
  }

  /** The part of the delay that was over at some instant, from 0 to 1. */
  #leftAt(at: number): number {
    return this.#plan.delay === 0 ? 0 : Math.min(1, Math.max(0, (at - this.began - this.#lost) / this.#plan.delay))
  }

  /** A request has arrived. */
  used(arrived: number): void {
    this.#usedAt = Math.max(this.#usedAt, arrived)
  }

  /** When the last request arrived; 0: none has. */
  get lastRequest(): number {
    return this.#usedAt
  }

  broke(promise: PromiseBreaker): void {
    this.#tally.broke(promise)
  }

  /** One that asks for the readiness route: it is no request that would have been lost. */
  probed(exchange: object): void {
    this.#probes.add(exchange)
  }

  finished(arrived: number, exchange?: object): void {
    if (exchange === undefined || !this.#probes.has(exchange)) this.#tally.finished(arrived)
  }

  wasCut(requests = 1): void {
    this.#tally.wasCut(requests)
  }

  /** Something else in the process ends connections with requests in flight, at this place in the code. */
  cutByOthers(place: string | undefined): void {
    this.#events.warn({ code: 'HALFCLOSE_CLOSED_BY_OTHERS', message: cutByOthersMessage(place) })
  }

  closed(reason: Parameters<Tally['closed']>[0]): void {
    this.#tally.closed(reason)
    this.check()
  }

  /** A socket is on its way out: the application shall hear of that before it hears that the drain is over. */
  closing(socket: Socket): void {
    this.#closing.add(socket)
    socket.once('close', () => {
      this.#closing.delete(socket)
      this.check()
    })
  }

  /** Something ended: perhaps it was the last. */
  check(): void {
    if (this.#empty) this.#wake?.()
    else if (this.#stopped && this.#closing.size === 0 && this.#sites.every(leftToOthers)) this.#noneButUpgraded()
  }

  #isDue(connection: Connection, now: number): boolean {
    const { phase, openedAt, site } = connection
    const since = this.#tally.leftAt + this.#lost
    if (phase === 'idle') {
      const { keepAlive } = site.policy
      const hold = keepAlive === false ? 0 : keepAlive.hold
      return now >= idleDue(this.#plan.idle, hold, connection, { since, usedAt: Math.max(since, this.#usedAt) })
    }
    return phase === 'silent' && now >= this.#silentDue(openedAt)
  }

  async #work(): Promise<Report> {
    this.#looking = this.#timers.every(SWEEP, this.#look)
    this.#enter('leaving')
    // Where nothing listens there is nobody to tell.
    if (this.#plan.delay > 0 && this.#sites.some(({ server, isFed }) => isFed || server.listening)) await this.#delay()
    this.#tally.leftAt = performance.now()
    this.#lostBefore = this.#timers.lost
    this.#enter('draining')
    const stopTelling = tellProgress(this.#events, () => ({
      isEmpty: this.#sites.every(({ isEmpty }) => isEmpty),
      line: atOnce(() => progressLine(this.#connections(), this.#sessions(), this.remaining(), this.#beginLook())),
    }))
    this.#look()
    await this.#forEach((site) => stopListening(site, () => this.remaining(), this.#isFast))
    this.#stopped = true
    this.check()
    await this.#emptyUnless((over) => this.#timers.deadline(this.remaining(), over))
    if (!this.#empty) await this.#atDeadline()
    this.#looking?.stop()
    stopTelling()
    await this.#forEach(async (site) => {
      const { waited, cut } = await finishClose(site, () => this.remaining())
      this.#tally.unseen += waited
      this.#tally.wasCut(cut)
    })
    // One more may join meanwhile.
    const reports: Report[] = []
    while (reports.length < this.#others.length) reports.push(...(await Promise.all(this.#others.slice(reports.length))))
    const report = reports.reduce(mergeReports, this.#tally.report())
    if (wentWell(report)) this.#events.routine('drained', report, endLine(report))
    else await this.#events.drainCut(report, formatReport(report))
    this.#enter('drained')
    return report
  }

  /** Never for what is done to a connection, a server or a listener: a fault of ours. Whoever waits for the report gets it. */
  readonly #giveUp = (error: unknown): void => {
    this.#looking?.stop()
    this.#events.failed(error)
    this.#enter('drained')
    this.#settle(this.#tally.report())
  }

  /** For those who ask for readiness, which they cannot while the process stands still; but the deadline is not moved. */
  async #delay(): Promise<void> {
    const timers: Timer[] = []
    await new Promise<void>((resolve) => {
      timers.push(this.#timers.after(this.#plan.delay, resolve), this.#timers.deadline(this.#plan.deadline, resolve))
    })
    for (const timer of timers) timer.stop()
  }

  #enter(phase: ServerState): void {
    for (const site of this.#sites) site.phase = phase
    this.#events.attempt(() => this.#onPhase(phase))
  }

  /** Something of each server; what goes wrong with one of them ends nothing. */
  async #forEach(run: (site: Site) => Promise<void>): Promise<void> {
    await Promise.all(this.#sites.map((site) => run(site).catch((error: unknown) => this.#events.failed(error))))
  }

  readonly #look = (): void => {
    this.#events.attempt(() => atOnce(this.#sweep))
  }

  /** When one that has never sent a byte may go: silent is only what was so while the process was running. */
  #silentDue(openedAt: number): number {
    return silentDue(this.#plan.silent, openedAt, this.#tally.leftAt) + this.#lost
  }

  /** Milliseconds in which the process has stood still meanwhile: nobody could use a connection then. */
  get #lost(): number {
    return this.#timers.lost - this.#lostBefore
  }

  /** Looks who has gone quiet and may go. */
  readonly #sweep = (): void => {
    this.#forgetClosed()
    const now = performance.now()
    if (this.#sites.some(({ phase }) => phase === 'leaving')) {
      for (const { sessions } of this.#sites) sessions.tellInTurn(this.left(), (at) => this.#leftAt(at))
      return
    }
    this.#heedStall(now)
    for (const peer of this.#stalls.among(this.#peers(), this.#timers.now)) attempt(peer, cutStalled)
    for (const site of this.#sites) {
      for (const session of site.sessions) attempt(session, () => this.#lookAtSession(session, now))
      for (const connection of site.registry) {
        attempt(connection, () => this.#lookAt(connection, now))
        if (this.#due.isFull) break
      }
      const over = now - this.#tally.leftAt - this.#plan.upgraded
      if (over >= 0 && this.#plan.upgraded < this.#plan.deadline) endUpgraded(site, over >= site.policy.linger.quiet)
      site.handshakes.destroyWhere((openedAt) => now >= this.#silentDue(openedAt))
    }
    this.#due.close()
  }

  /** The application may have taken our listener away, with all others that a socket had. */
  #forgetClosed(): void {
    let any = false
    for (const socket of this.#closing) if (socket.closed) any = this.#closing.delete(socket)
    if (any) this.check()
  }

  #lookAtSession(session: Session, now: number): void {
    const { site, openedAt, requests } = session
    const due = sessionDue(this.#plan.silent, openedAt, requests, this.#tally.leftAt)
    if (session.ending === undefined && site.phaseFor(openedAt) === 'draining' && now >= due) this.#due.add(session)
  }

  #lookAt(connection: Connection, now: number): void {
    noteWritten(connection)
    if (this.#isDue(connection, now) && !connection.receiving) this.#due.add(connection)
  }

  /** While the loop stood still no request could be seen: that was no quiet time. */
  #heedStall(now: number): void {
    const { lost } = this.#timers
    const late = lost - Math.max(this.#lostAtSweep, this.#lostBefore)
    if (late > 0) this.#usedAt = Math.min(now, Math.max(this.#usedAt, this.#tally.leftAt) + late)
    this.#lostAtSweep = lost
  }

  #lookAgain(): void {
    if (!this.#empty) this.#look()
  }

  readonly #endRest = (): void => {
    const look = this.#beginLook()
    for (const connection of this.#connections()) attempt(connection, () => endAtDeadline(connection, this.#tally, look))
    for (const session of this.#sessions()) attempt(session, () => endSessionAtDeadline(session, this.#tally, look))
    for (const site of this.#sites) site.handshakes.destroyWhere(() => true)
  }

  /** What is left now is cut, save that idle and silent connections still end output first; `linger.quiet` later nothing is left. */
  async #atDeadline(): Promise<void> {
    const quiet = Math.max(...this.#sites.map((site) => site.policy.linger.quiet))
    // What had reached the kernel while the process stood still has had no time yet.
    const owed = this.#timers.owed(quiet / 2)
    if (owed > 0) await this.#emptyWithin(owed)
    this.#events.attempt(() => atOnce(this.#endRest))
    await this.#emptyWithin(quiet - owed)
    for (const connection of this.#connections()) attempt(connection, (one) => cut(one, one.ending ?? 'deadline'))
    for (const session of this.#sessions()) attempt(session, killSession)
    await this.#emptyWithin(100)
  }

  #beginLook(): Look {
    return beginLook(this.#looks, this.#usedAt)
  }

  #connections(): Connection[] {
    return this.#sites.flatMap((site) => [...site.registry])
  }

  *#peers(): Iterable<Connection | Session> {
    for (const { registry, sessions } of this.#sites) yield* peersOf(registry, sessions)
  }

  #sessions(): Session[] {
    return this.#sites.flatMap((site) => [...site.sessions])
  }

  get #empty(): boolean {
    return this.#closing.size === 0 && this.#sites.every(({ isEmpty }) => isEmpty)
  }

  #emptyWithin(ms: number): Promise<void> {
    return this.#emptyUnless((over) => this.#timers.after(ms, over))
  }

  /** Waits until nothing is open, or the timer has fired. */
  async #emptyUnless(start: (over: () => void) => Timer): Promise<void> {
    if (this.#empty) return
    let timer: Timer | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = start(resolve)
    })
    this.#wake = undefined
    timer?.stop()
  }
}

function leftToOthers({ registry, sessions, handshakes }: Site): boolean {
  if (handshakes.size > 0) return false
  for (const { onlyTunnels } of sessions) if (!onlyTunnels) return false
  for (const { phase } of registry) if (phase !== 'upgraded') return false
  return true
}

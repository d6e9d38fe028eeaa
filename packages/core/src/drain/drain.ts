import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Events } from '../events/events.js'
import type { PromiseBreaker, Report, ServerState } from '../events/types.js'
import { atOnce } from '../node/parser.js'
import type { Timer, Timers } from '../node/timers.js'
import type { DrainPolicy } from '../options/types.js'
import type { DrainUnderWay } from '../server/drain-under-way.js'
import type { GovernedServer } from '../server/governed-server.js'
import { beginLook, type Look, PeerProgress } from '../server/wait-reason.js'
import { connectionsOf, cutRest, endRest, sessionsOf } from './deadline.js'
import { DrainCounts } from './drain-counts.js'
import { progressLine } from './progress-line.js'
import { cutByOthersMessage, endLine, formatReport, mergeReports, wentWell } from './report.js'
import { Schedule } from './schedule.js'
import { finishClose, stopListening } from './stop-listening.js'
import { Sweep } from './sweep.js'
import { tellProgress } from './tell-progress.js'
import { UntilEmpty } from './until-empty.js'

/** How often a drain looks for connections that it may close, in ms. */
const SWEEP = 50

/** What a drain is made of. */
export interface DrainSetup {
  readonly servers: readonly GovernedServer[]
  readonly events: Events
  readonly timers: Timers
  readonly plan: DrainPolicy
  /** Why, for the log and the report. */
  readonly reason: string
  readonly onPhase: (phase: ServerState) => void
  /** Drains of single servers that are under way: this drain ends, and reports, together with them ({@link Drain.join}). */
  readonly others?: readonly Promise<Report>[]
}

/** One drain of one or more servers: `leaving`, `draining`, `drained`, within the deadline. */
export class Drain implements DrainUnderWay {
  readonly done: Promise<Report>
  readonly #servers: readonly GovernedServer[]
  readonly #events: Events
  readonly #timers: Timers
  readonly #schedule: Schedule
  readonly #counts: DrainCounts
  readonly #onPhase: (phase: ServerState) => void
  readonly #sweep: Sweep
  readonly #untilEmpty: UntilEmpty
  /** Used to say what holds the drain up. */
  readonly #progress = new PeerProgress()
  readonly #others: Promise<Report>[]
  readonly #probes = new WeakSet<object>()
  #settle: (report: Report) => void = () => {}
  #looking: Timer | undefined

  constructor({ servers, events, timers, plan, reason, onPhase, others = [] }: DrainSetup) {
    this.#others = [...others]
    this.#servers = servers
    this.#events = events
    this.#timers = timers
    this.#schedule = new Schedule(plan, timers)
    this.#untilEmpty = new UntilEmpty(servers, timers)
    this.#counts = new DrainCounts(reason, this.#schedule, servers[0]?.counts.drain ?? { finished: 0, rescued: 0, cut: 0 })
    this.#sweep = new Sweep(servers, timers, events, this.#schedule, this.#counts)
    this.#onPhase = onPhase
    this.done = new Promise((resolve) => {
      this.#settle = resolve
    })
    for (const governed of servers) {
      governed.drain = this
      this.#counts.wasCut(governed.cutBeforeDrain.take())
    }
  }

  /** Not done in the constructor: a listener that is told of the first phase must already find this drain in the handle. */
  start(): void {
    void this.#timers.inRoot(() => this.#work()).then(this.#settle, this.#giveUp)
  }

  /** Milliseconds left until the deadline. */
  remaining(): number {
    return this.#schedule.remaining()
  }

  get began(): number {
    return this.#schedule.began
  }

  get since(): number {
    return this.#schedule.since
  }

  keepable(): number {
    return this.#schedule.keepable()
  }

  left(): number {
    return this.#schedule.leftAt(performance.now())
  }

  /** What is left of the plan, for a server that comes under the policy during the drain. */
  rest(): DrainPolicy {
    return this.#schedule.rest()
  }

  /** Resolves when everything that is left has been handed over to another protocol. */
  get onlyUpgraded(): Promise<void> {
    return this.#untilEmpty.onlyUpgraded
  }

  /** Makes this drain end, and report, together with that of a server which drains already. */
  join(other: Promise<Report>): void {
    this.#others.push(other)
  }

  /** A request has arrived. */
  used(arrived: number): void {
    this.#sweep.used(arrived)
  }

  /** When the last request arrived; 0: there was none. */
  get lastRequest(): number {
    return this.#sweep.lastRequest
  }

  promiseBroken(promise: PromiseBreaker): void {
    this.#counts.promiseBroken(promise)
  }

  /** The request asks for the readiness route, so it counts neither as finished nor as rescued. */
  probed(exchange: object): void {
    this.#probes.add(exchange)
  }

  finished(arrived: number, exchange?: object): void {
    if (exchange === undefined || !this.#probes.has(exchange)) this.#counts.finished(arrived)
  }

  wasCut(requests = 1): void {
    this.#counts.wasCut(requests)
  }

  /** Other code in the process ends connections with requests in flight, at this place. */
  cutByOthers(place: string | undefined): void {
    this.#events.warn({ code: 'HALFCLOSE_CLOSED_BY_OTHERS', message: cutByOthersMessage(place) })
  }

  closed(reason: Parameters<DrainCounts['closed']>[0]): void {
    this.#counts.closed(reason)
    this.check()
  }

  /** A socket is being destroyed. */
  closing(socket: Socket): void {
    this.#untilEmpty.closing(socket)
  }

  /** Something ended: the drain may be over. */
  check(): void {
    this.#untilEmpty.check()
  }

  get isEmpty(): boolean {
    return this.#untilEmpty.isEmpty
  }

  async #work(): Promise<Report> {
    this.#looking = this.#timers.every(SWEEP, this.#look)
    this.#enter('leaving')
    // If nothing listens, no client has to be told.
    if (
      this.#schedule.plan.delay > 0 &&
      this.#servers.some(({ server, listener }) => listener.hasInjectedConnections || server.listening)
    )
      await this.#delay()
    this.#schedule.beginDraining()
    this.#enter('draining')
    const stopTelling = tellProgress(this.#events, () => ({
      isEmpty: this.#servers.every(({ isEmpty }) => isEmpty),
      line: atOnce(() =>
        progressLine(connectionsOf(this.#servers), sessionsOf(this.#servers), this.remaining(), this.#beginLook()),
      ),
    }))
    this.#look()
    await this.#forEach((governed) => stopListening(governed, () => this.remaining(), this.#schedule.isFast))
    this.#untilEmpty.stoppedListening()
    // It wakes a moment after the last connection has closed, and by then the application may have handed another one to a server.
    do await this.#untilEmpty.unless((over) => this.#timers.deadline(this.remaining(), over))
    while (!this.isEmpty && this.remaining() > 0)
    if (!this.isEmpty) await this.#atDeadline()
    this.#looking?.stop()
    stopTelling()
    await this.#forEach(async (governed) => {
      const { waited, cut } = await finishClose(governed, () => this.remaining())
      this.#counts.unseen += waited
      this.#counts.wasCut(cut)
    })
    // Another drain may join meanwhile.
    const reports: Report[] = []
    while (reports.length < this.#others.length) reports.push(...(await Promise.all(this.#others.slice(reports.length))))
    const report = reports.reduce(mergeReports, this.#counts.report())
    if (wentWell(report)) this.#events.routine('drained', report, endLine(report))
    else await this.#events.drainCut(report, formatReport(report))
    this.#enter('drained')
    return report
  }

  /** Never because of a connection, a server or a listener: this is a fault of halfclose. Code that waits for the report gets the error. */
  readonly #giveUp = (error: unknown): void => {
    this.#looking?.stop()
    this.#events.failed(error)
    this.#enter('drained')
    this.#settle(this.#counts.report())
  }

  /** Waits until load balancers have asked for readiness. They cannot ask while the process stands still, so that time is added; but the deadline stays. */
  async #delay(): Promise<void> {
    const timers: Timer[] = []
    await new Promise<void>((resolve) => {
      timers.push(
        this.#timers.after(this.#schedule.plan.delay, resolve),
        this.#timers.deadline(this.#schedule.plan.deadline, resolve),
      )
    })
    for (const timer of timers) timer.stop()
  }

  #enter(phase: ServerState): void {
    for (const governed of this.#servers) governed.phase = phase
    this.#events.attempt(() => this.#onPhase(phase))
  }

  /** Does something to each server: an error at one of them does not affect the others. */
  async #forEach(run: (governed: GovernedServer) => Promise<void>): Promise<void> {
    await Promise.all(this.#servers.map((governed) => run(governed).catch((error: unknown) => this.#events.failed(error))))
  }

  readonly #look = (): void => {
    this.#events.attempt(() => this.#untilEmpty.forgetClosed())
    this.#sweep.look()
  }

  /** Cuts what is left, except that idle and silent connections still close output first; `linger.quiet` later nothing is left. */
  async #atDeadline(): Promise<void> {
    const quiet = Math.max(...this.#servers.map((governed) => governed.policy.linger.quiet))
    // Input that reached the kernel while the process stood still has had no time to be answered.
    const owed = this.#timers.owed(quiet / 2)
    if (owed > 0) await this.#untilEmpty.within(owed)
    this.#events.attempt(() => atOnce(() => endRest(this.#servers, this.#counts, this.#beginLook())))
    await this.#untilEmpty.within(quiet - owed)
    cutRest(this.#servers)
    await this.#untilEmpty.within(100)
  }

  #beginLook(): Look {
    return beginLook(this.#progress, this.lastRequest)
  }
}

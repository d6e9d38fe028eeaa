import { deferred } from '../wire/index.js'
import type { Budget } from './budget.js'
import type { Check, Need, Running } from './check.js'
import { Lateness } from './lateness.js'
import type { Result, Trial } from './result.js'
import { NoConnection, type Scene } from './scene.js'
import { type Facts, Unreachable } from './server-facts.js'
import type { Target } from './target.js'
import { broken, type Judgement, notApplicable, outcomeOf, together } from './verdict.js'

/** A check began, or ended with this result. */
export type Progress = (id: string, result: Result | undefined) => void

export interface Run<S extends Scene> {
  checks: readonly Check<S>[]
  /** Makes a new scene for each trial, which waits `left` ms at most. */
  scene: (left: number) => S
  target: Target
  facts: Facts
  budget: Budget
  /** No trial of tier a goes on for longer than this, by performance.now(). */
  until: number
  /** Floods are allowed. */
  floods: boolean
  progress: Progress
  /** Checks run one after another, so that each has the server to itself. */
  serial?: boolean
}

const MISSING: Record<Need, string> = {
  http1: 'the server does not speak HTTP/1',
  persistent: 'the server does not keep connections',
  promise: 'no Keep-Alive: timeout= is promised',
  tls: 'the connection is not TLS',
  'half-close': 'before TLS 1.3 a close_notify ends both directions (RFC 5246 §7.2.1)',
  http2: 'the server does not speak HTTP/2',
  slow: 'no slow path was given (--slow), or it is not slow',
  stream: 'no path of an answer without an end was given (--stream)',
  floods: 'floods are sent to loopback only, unless --floods is given',
}

type Phase = Running['phase']

/** How often a trial is repeated at most where this machine was late. */
const AGAIN = 3
/** A trial that has taken longer than this, in ms, is not tried again: what it waited for so long did not fail by a moment. */
const AGAIN_WITHIN = 15_000

/** A trial that was broken after this time, in ms, did not fail by chance, and is not repeated. */
const LONG = 3_000
/** A trial of tier a does not begin any more if it had less time than this, in ms. */
const SHORT = 1_000

/** An answer counts as slow from here on, in ms. */
const SLOW = 300

function lacks<S extends Scene>(need: Need, { facts, target, floods }: Run<S>): boolean {
  switch (need) {
    case 'http1':
      return !facts.http1
    case 'persistent':
      return !facts.persistent
    case 'promise':
      return !facts.promise
    case 'tls':
      return !target.tls
    case 'half-close':
      return facts.tls !== undefined && facts.tls !== 'TLSv1.3'
    case 'http2':
      return !facts.http2
    case 'slow':
      return facts.slow === undefined || facts.slow.ms < SLOW
    case 'stream':
      return facts.stream === undefined
    case 'floods':
      return !floods
  }
}

/** Runs all checks, in the order of their phases. */
export async function runChecks<S extends Scene>(run: Run<S>): Promise<Result[]> {
  const results = new Map<string, Result>()
  const lateness = new Lateness()
  const one = async (check: Check<S>, calm: () => void = () => {}): Promise<void> => {
    run.progress(check.id, undefined)
    const result = await runCheck(check, run, lateness, calm)
    results.set(check.id, result)
    run.progress(check.id, result)
  }
  const of = (phase: Phase) => run.checks.filter((each) => each.phase === phase)
  if (run.serial) for (const check of run.checks) await one(check)
  else {
    const quick = of('quick').map((check) => one(check))
    const waiting = of('patient').map((check) => one(check))
    await Promise.all(quick)
    for (const check of of('stalling')) {
      const calm = deferred<void>()
      const done = one(check, () => calm.resolve())
      waiting.push(done)
      await Promise.race([done, calm.promise])
    }
    for (const check of of('heavy')) await one(check)
    await Promise.all([...waiting, ...of('timed').map((check) => one(check))])
  }
  lateness.stop()
  return run.checks.flatMap(({ id }) => results.get(id) ?? [])
}

/** What one trial showed. A trial that could not begin has no transcript. */
interface Tried {
  judgement: Judgement
  trial?: Trial
}

async function runCheck<S extends Scene>(check: Check<S>, run: Run<S>, lateness: Lateness, calm: () => void): Promise<Result> {
  const began = performance.now()
  const reason = whyNot(check, run)
  const attempt = () => tryInTime(check, run, lateness, calm)
  const tries = reason === undefined ? await repeated(check, attempt) : [{ judgement: notApplicable(reason) }]
  const judgement = together(tries.map((one) => one.judgement))
  const { run: _run, needs: _needs, phase: _phase, repeats: _repeats, connections: _connections, bytes: _bytes, ...rule } = check
  return {
    ...rule,
    outcome: outcomeOf(check.level, judgement),
    detail: judgement.detail,
    ms: Math.round(performance.now() - began),
    trials: tries.flatMap(({ trial }) => trial ?? []),
  }
}

/** Why a check is not applicable; undefined: it is. */
function whyNot<S extends Scene>({ needs, connections }: Check<S>, run: Run<S>): string | undefined {
  const missing = needs.find((need) => lacks(need, run))
  if (missing !== undefined) return MISSING[missing]
  const most = run.budget.connections
  return connections > most ? `it needs ${connections} connections at once, and --connections allows ${most}` : undefined
}

/** Checks that mostly wait are repeated side by side, others one after the other. */
async function repeated<S extends Scene>({ phase, repeats }: Check<S>, attempt: () => Promise<Tried>): Promise<Tried[]> {
  if (phase === 'timed') return Promise.all(Array.from({ length: repeats }, attempt))
  const tries: Tried[] = []
  while (tries.length < repeats) {
    const began = performance.now()
    const tried = await attempt()
    tries.push(tried)
    // A server that never does it is not waited for again and again.
    if (tried.judgement.kept === false && performance.now() - began > LONG) break
  }
  return tries
}

/** Tries a check. A rule that seems broken while this machine was late is tried again, but not for ever. */
async function tryInTime<S extends Scene>(check: Check<S>, run: Run<S>, lateness: Lateness, calm: () => void): Promise<Tried> {
  const began = performance.now()
  for (let again = AGAIN; ; again--) {
    const since = performance.now()
    const tried = await tryOnce(check, run, calm)
    const worthwhile = again > 0 && performance.now() - began < AGAIN_WITHIN
    if (tried.judgement.kept !== false || !worthwhile || !lateness.since(since)) return tried
  }
}

/** One trial, within the budget. */
async function tryOnce<S extends Scene>(check: Check<S>, run: Run<S>, calm: () => void): Promise<Tried> {
  const { budget } = run
  const { bytes, connections } = check
  if (!budget.spend(bytes)) {
    return { judgement: notApplicable(`it sends up to ${bytes} bytes, and --bytes leaves ${Math.max(0, budget.bytesLeft)}`) }
  }
  await budget.take(connections)
  const left = check.tier === 'a' ? run.until - performance.now() : Number.POSITIVE_INFINITY
  const scene = run.scene(left)
  scene.calm = calm
  try {
    if (left < SHORT) return { judgement: notApplicable('no time is left for it: the server let other checks wait') }
    const judgement = await judgementOf(check, scene)
    return { judgement, trial: { detail: judgement.detail, connections: scene.record() } }
  } finally {
    await scene.dispose()
    budget.give(connections)
    budget.settle(bytes, scene.sent)
  }
}

/** An error that the check did not expect is a broken rule: the server refused what it accepts otherwise. */
async function judgementOf<S extends Scene>(check: Check<S>, scene: S): Promise<Judgement> {
  try {
    return await check.run(scene)
  } catch (error) {
    if (error instanceof NoConnection) return broken(error.message)
    // A process that could not be started again says nothing about its stop.
    if (error instanceof Unreachable) return notApplicable(error.message)
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
    return broken(`the check came to no end: ${line}`)
  }
}

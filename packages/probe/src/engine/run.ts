import { deferred } from '../wire/index.js'
import type { Budget } from './budget.js'
import type { Check, Need } from './check.js'
import type { Facts } from './facts.js'
import { Lateness } from './lateness.js'
import type { Result, Trial } from './result.js'
import type { Scene } from './scene.js'
import { broken, type Judgement, notApplicable, outcomeOf, together } from './verdict.js'

/** A check began, or ended with this result. */
export type Progress = (id: string, result: Result | undefined) => void

export interface Run<S extends Scene> {
  checks: readonly Check<S>[]
  /** Makes a new scene for each trial. */
  scene: () => S
  facts: Facts
  budget: Budget
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
  http2: 'the server does not speak HTTP/2',
  slow: 'no slow path was given (--slow), or it is not slow',
  'slow-promise': 'no Keep-Alive: timeout= is promised',
  stream: 'no path of an answer without an end was given (--stream)',
  floods: 'floods are sent to loopback only, unless --floods is given',
}

/** How often a trial is repeated at most. */
const AGAIN = 3

/** An answer counts as slow from here on, in ms. */
const SLOW = 300

function lacks<S extends Scene>(need: Need, { facts, scene, floods }: Run<S>): boolean {
  switch (need) {
    case 'http1':
      return !facts.http1
    case 'persistent':
      return !facts.persistent
    case 'promise':
    case 'slow-promise':
      return facts.promise === undefined
    case 'tls':
      return !scene().target.tls
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

/** Runs all checks: quick ones at the same time, then heavy ones one by one, then timed ones all together. */
export async function runChecks<S extends Scene>(run: Run<S>): Promise<Result[]> {
  const results = new Map<string, Result>()
  const lateness = new Lateness()
  const one = async (check: Check<S>, calm: () => void = () => {}): Promise<void> => {
    run.progress(check.id, undefined)
    const result = await runCheck(check, run, lateness, calm)
    results.set(check.id, result)
    run.progress(check.id, result)
  }
  const of = (phase: Check<S>['phase']) => run.checks.filter((each) => each.phase === phase)
  if (run.serial) for (const check of run.checks) await one(check)
  else {
    await Promise.all(of('quick').map((check) => one(check)))
    const waiting: Promise<void>[] = []
    for (const check of of('heavy')) {
      const calm = deferred<void>()
      const done = one(check, () => calm.resolve())
      waiting.push(done)
      await Promise.race([done, calm.promise])
    }
    await Promise.all([...waiting, ...of('timed').map((check) => one(check))])
  }
  lateness.stop()
  return run.checks.flatMap(({ id }) => results.get(id) ?? [])
}

async function runCheck<S extends Scene>(check: Check<S>, run: Run<S>, lateness: Lateness, calm: () => void): Promise<Result> {
  const began = performance.now()
  const { run: _run, needs: _needs, phase: _phase, repeats, connections, bytes, ...rule } = check
  const finish = (judgement: Judgement, trials: Trial[]): Result => ({
    ...rule,
    outcome: outcomeOf(check.level, judgement),
    detail: judgement.detail,
    ms: Math.round(performance.now() - began),
    trials,
  })
  const missing = check.needs.find((need) => lacks(need, run))
  if (missing !== undefined) return finish(notApplicable(MISSING[missing]), [])
  if (connections > run.budget.connections) {
    return finish(
      notApplicable(`it needs ${connections} connections at once, and --connections allows ${run.budget.connections}`),
      [],
    )
  }
  const trials: Trial[] = []
  const judgements: Judgement[] = []
  const trial = async () => {
    for (let again = AGAIN; ; again--) {
      if (!run.budget.spend(bytes)) {
        judgements.push(notApplicable(`it sends up to ${bytes} bytes, and --bytes leaves ${run.budget.bytesLeft}`))
        return
      }
      await run.budget.take(connections)
      const since = performance.now()
      const scene = run.scene()
      scene.calm = calm
      try {
        const judgement = await tried(check, scene)
        // A rule that seems broken on a late machine is tried again, but not for ever.
        if (judgement.kept === false && again > 0 && lateness.since(since)) continue
        judgements.push(judgement)
        trials.push({ detail: judgement.detail, connections: scene.record() })
        return
      } finally {
        await scene.dispose()
        run.budget.give(connections)
        run.budget.settle(bytes, scene.sent)
      }
    }
  }
  if (check.phase === 'timed') await Promise.all(Array.from({ length: repeats }, trial))
  else for (let n = 0; n < repeats; n++) await trial()
  return finish(together(judgements), trials)
}

/** Runs a trial. An error that the check did not expect is a broken rule only if the server refused what it otherwise accepts. */
async function tried<S extends Scene>(check: Check<S>, scene: S): Promise<Judgement> {
  try {
    return await check.run(scene)
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
    return broken(`the check came to no end: ${line}`)
  }
}

import { tierA, tierB, tierC } from './checks/index.js'
import { type Bounds, boundsOf, within } from './engine/bounds.js'
import { Budget } from './engine/budget.js'
import type { Check, Tier } from './engine/check.js'
import { type Report, type Result, scoresOf } from './engine/result.js'
import { type Progress, runChecks } from './engine/run.js'
import { Scene } from './engine/scene.js'
import { type Facts, findOut } from './engine/server-facts.js'
import { parseTarget, type Target } from './engine/target.js'
import type { Child } from './process/child.js'
import { parseCommand } from './process/command.js'
import { type Started, StopScene, start } from './process/stop-scene.js'
import { version } from './version.js'

/** What to probe, and how. */
export interface ProbeOptions {
  /** http:// or https://; the certificate is not checked. */
  url: string
  /** Tiers to run. Default: all that have their options: `slow` for b, `run` for c. */
  tiers?: readonly Tier[] | undefined
  /** Path of a slow answer, which takes at least 300 ms. */
  slow?: string | undefined
  /** Path of an answer without an end. */
  stream?: string | undefined
  /** Command of a process to start and stop; it has to listen on the URL's port. */
  run?: string | undefined
  /** The signal that stops it. Default: SIGTERM */
  stop?: NodeJS.Signals | undefined
  /** ms for what a server does by itself (closing idle, silent or slow clients). Default: 77,000, a little more than the 75 s of nginx */
  patience?: number | undefined
  /** ms that a process has to end after its signal. Default: 30,000 */
  deadline?: number | undefined
  /** Bytes of the body in the check of the early answer. Default: 16 MB */
  upload?: number | undefined
  /** Send floods of frames. Default: false */
  floods?: boolean | undefined
  /** Connections at once, at most. Default: 50 */
  connections?: number | undefined
  /** Bytes sent in all, at most. Default: 64 MB */
  bytes?: number | undefined
  /** When aborted, the started process is killed at once. */
  abort?: AbortSignal | undefined
  /** Run only the checks with these ids. */
  only?: readonly string[] | undefined
  /** Called when a check begins (without a result) and when it ends. */
  progress?: Progress | undefined
}

/**
 * Runs the checks against a server. Rejects with an Unreachable if it cannot be reached or does not speak HTTP, and with an Error if the options are
 * wrong; a broken rule is a result.
 */
export async function probe(options: ProbeOptions): Promise<Report> {
  const target = parseTarget(options.url)
  const { patience, deadline, upload } = options
  const bounds = boundsOf({ ...(patience && { patience }), ...(deadline && { deadline }), ...(upload && { upload }) })
  const started =
    options.run === undefined
      ? undefined
      : { command: parseCommand(options.run), signal: options.stop ?? 'SIGTERM', abort: options.abort }
  const at = new Date().toISOString()
  const began = performance.now()
  const child = started === undefined ? undefined : await start(started, target)
  try {
    const until = performance.now() + Math.max(LIMIT, bounds.patience + MARGIN)
    const facts = await findOut(target, bounds, options)
    const found = await tiersOf(options, { target, bounds, facts, until }, started, child)
    return { probe: version, url: target.url, at, ms: Math.round(performance.now() - began), facts, ...found }
  } finally {
    await child?.kill()
  }
}

/** ms for tier a, with the first requests, whatever the server does. */
const LIMIT = 86_500
/** The same where it has a longer patience: so much more than that. */
const MARGIN = 11_000

/** A server that answers, and the time for its tier a. */
interface Found {
  target: Target
  bounds: Bounds
  facts: Facts
  until: number
}

async function tiersOf(
  options: ProbeOptions,
  { target, bounds, facts, until }: Found,
  started: Started | undefined,
  child: Child | undefined,
): Promise<Pick<Report, 'scores' | 'results'>> {
  const { slow, only, progress = () => {}, floods = false } = options
  const tiers = options.tiers ?? [
    'a',
    ...(slow === undefined ? [] : (['b'] as const)),
    ...(started === undefined ? [] : (['c'] as const)),
  ]
  const chosen = <S>(checks: readonly Check<S>[]) =>
    checks.filter(({ id, tier }) => tiers.includes(tier) && (only === undefined || only.includes(id)))
  const budget = new Budget(options.connections, options.bytes)
  const scene = (left: number) => new Scene(target, facts, within(bounds, Math.floor(left)))
  let began = performance.now()
  const took = new Map<Tier, number>()
  const noting: Progress = (id, result) => {
    if (result !== undefined) took.set(result.tier, performance.now() - began)
    progress(id, result)
  }
  const common = { target, facts, budget, floods, progress: noting, until }
  const results: Result[] = await runChecks({ ...common, checks: chosen([...tierA, ...tierB]), scene })
  await child?.kill()
  if (started !== undefined) {
    began = performance.now()
    const stopScene = (left: number) => new StopScene(scene(left), started)
    results.push(...(await runChecks({ ...common, checks: chosen(tierC), scene: stopScene, serial: true })))
  }
  return { scores: scoresOf(results, took), results }
}

import { optionRangeError } from '../errors/errors.js'
import { inItsOrder } from '../events/logger.js'
import { assertMetrics, type MetricsOptions } from '../metrics/option.js'
import * as DEFAULTS from '../options/defaults.js'
import { plainObject } from '../options/rules.js'
import type { Logger, Options } from '../types.js'
import { reasonForFastDrain } from './fast-drain.js'
import {
  parsePath,
  parseReadiness,
  parseSignals,
  type Readiness,
  type ReadinessOptions,
  type SignalName,
} from './readiness-options.js'

/** The options of both adapters besides those of the core. */
export interface AdapterOptions extends Options {
  /**
   * `true`: on SIGTERM, SIGINT and PM2's `shutdown` message every application of this process drains and closes, then the process exits: code 0 if
   * nothing was cut and no closing failed, else 1. A second signal ends it at once. A list names the signals instead, e.g. `['SIGTERM', 'SIGUSR2']`, with `'shutdown'` for
   * PM2's message. Default false: signals are left alone. Errors: `HALFCLOSE_OPTION_TYPE`, and `HALFCLOSE_OPTION_RANGE` for a name that is no signal,
   * or one that no process can listen to.
   */
  signals?: boolean | readonly SignalName[] | undefined
  /**
   * The path of a readiness route, e.g. `'/ready'`: 200 while serving, else 503 with Retry-After, for GET and HEAD. It is answered before any
   * middleware, hook or route. `drain.delay` is then 5_000 by default, so that a load balancer can see the 503 while requests are still served. With
   * `{ path, check }` the application decides while serving. Default: none.
   */
  readiness?: string | ReadinessOptions | undefined
  /**
   * The path of a liveness route, e.g. `'/live'`: 200 as long as the process answers, also while it drains, for GET and HEAD. It does not affect the
   * drain. Default: none.
   */
  liveness?: string | undefined
  /**
   * `{ client }`: the metrics of `@halfclose/core/metrics` in prom-client's registry, or in those of `registers`. `{ meter }`: as instruments of an OpenTelemetry
   * `Meter`. Default: none, and nothing is counted for them. Errors: `HALFCLOSE_OPTION_TYPE`, `HALFCLOSE_METRICS_TAKEN`.
   */
  metrics?: MetricsOptions | undefined
}

/** {@link AdapterOptions} after parsing. */
export interface AdapterChoices {
  /** On what the application leaves: names of signals, and `'shutdown'`. */
  readonly signals: readonly string[]
  readonly readiness: Readiness | undefined
  readonly liveness: string | undefined
  readonly metrics: MetricsOptions | undefined
  /** For the core: `drain` is chosen, the rest is as it was given. */
  readonly core: Options
  /** Why a drain should be fast, e.g. `NODE_ENV is test`; `undefined`: no reason, or the application set `drain`. */
  readonly whyFast: string | undefined
  /** Whether a drain may be fast if a developer waits at a terminal: not if the application set `drain`. */
  readonly fastAtTerminal: boolean
  /** Whether there are options that only a governed server obeys. */
  readonly isMore: boolean
}

/** Options that apply no matter which handle governs a server. */
const REACH_ALL = ['logger', 'onDrained', 'close']

/**
 * Parses the adapters' own options, and chooses the drain: an explicit one wins; otherwise it is `'fast'` if NODE_ENV is `test` or `development`, and
 * under known test runners and watchers, since a developer waits for it there.
 *
 * @throws `HALFCLOSE_OPTION_TYPE`, `HALFCLOSE_OPTION_RANGE`
 */
export function chooseOptions(
  options: AdapterOptions | undefined,
  logger: Logger | undefined,
  env = process.env,
  argv: readonly string[] = process.argv,
): AdapterChoices {
  const given: AdapterOptions = options === undefined ? {} : plainOptions(options)
  const { signals: leavesOn, readiness: ready, liveness: alive, metrics, ...core } = given
  assertMetrics(metrics)
  const signals = parseSignals(leavesOn)
  const readiness = parseReadiness(ready)
  const liveness = alive === undefined ? undefined : parsePath('liveness', alive)
  // While it drains, the readiness route says 503 and the liveness route must not: the process would be killed during its drain.
  if (liveness !== undefined && liveness === readiness?.path)
    throw optionRangeError('liveness', 'another path than that of `readiness`', liveness)
  const chosen = isChosen(core.drain)
  const whyFast = chosen ? undefined : reasonForFastDrain(env, argv)
  const told = core.logger ?? logger
  const drain = whyFast !== undefined ? 'fast' : readiness !== undefined ? delayed(core.drain) : core.drain
  return {
    signals,
    readiness,
    liveness,
    metrics,
    core: { ...core, logger: told && inItsOrder(told), drain },
    whyFast,
    fastAtTerminal: !chosen,
    isMore: readiness !== undefined || liveness !== undefined || Object.keys(core).some((name) => !REACH_ALL.includes(name)),
  }
}

function plainOptions(options: AdapterOptions): AdapterOptions {
  plainObject(options, '', 'an object')
  return options
}

function isChosen(drain: Options['drain']): boolean {
  if (typeof drain !== 'object' || drain === null) return drain !== undefined
  return Object.values(drain).some((value) => value !== undefined)
}

/** A wrong `drain` is passed on unchanged: the core reports what is wrong with it. */
function delayed(drain: Options['drain']): Options['drain'] {
  if (drain === undefined) return { delay: DEFAULTS.DRAIN_DELAY_WITH_READINESS }
  if (typeof drain !== 'object' || drain === null || Array.isArray(drain) || drain.delay !== undefined) return drain
  return { ...drain, delay: DEFAULTS.DRAIN_DELAY_WITH_READINESS }
}

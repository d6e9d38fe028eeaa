import { optionRangeError, optionTypeError } from './errors.js'
import { plainObject } from './options-rules.js'
import { USUAL_SIGNALS } from './participant.js'
import type { Logger, Options, WarningEvent } from './types.js'

/** What both adapters take besides the options of the core. */
export interface AdapterOptions extends Options {
  /**
   * `true`: on SIGTERM, SIGINT and PM2's `shutdown` message every application of this process drains and closes, then the process
   * exits: code 0 where nothing was cut, else 1. A second signal ends it at once. Default false: signals are left alone.
   */
  signals?: boolean | undefined
  /**
   * The path of a readiness route, e.g. `'/ready'`: 200 while serving, else 503 with Retry-After, for GET and HEAD. It is answered
   * before any middleware, hook or route of the application. `drain.delay` is then 5_000 by default, so that a load balancer
   * can see the 503 while requests are still served. Default: none.
   */
  readiness?: string | undefined
}

/** What {@link AdapterOptions} come to. */
export interface AdapterChoices {
  /** What the application leaves on: names of signals, and `'shutdown'`. */
  readonly signals: readonly string[]
  readonly readiness: string | undefined
  /** For the core: `drain` is chosen, the rest is as it was given. */
  readonly core: Options
  /** Why nobody should have to wait for a drain, e.g. `NODE_ENV is test`; `undefined`: no reason, or the application chose otherwise. */
  readonly hurry: string | undefined
  /** Whether a drain that somebody at a terminal waits for may be cut short: not where the application chose how to drain. */
  readonly hurryAtTerminal: boolean
  /** Whether options were given that only a governed server heeds. */
  readonly isMore: boolean
  readonly warnings: readonly WarningEvent[]
}

/** Milliseconds in which a load balancer that asks every second or two gets to see that the server is not ready. */
const DELAY_TO_BE_SEEN = 5_000

/** What does not depend on who governs a server. */
const REACH_ALL = ['logger', 'onDrained', 'close']

const PATH = /^\/[^\s?#]*$/

/**
 * Parses what the adapters add to the core's options, and chooses the drain: an explicit one wins; otherwise it is `'fast'` where
 * NODE_ENV is `test` or `development` or under `node --watch`, since somebody waits for it there.
 *
 * @throws `HALFCLOSE_OPTION_TYPE`, `HALFCLOSE_OPTION_RANGE`
 */
export function chooseOptions(
  options: AdapterOptions | undefined,
  logger: Logger | undefined,
  env = process.env,
): AdapterChoices {
  const given: AdapterOptions = options === undefined ? {} : plainOptions(options)
  const { signals, readiness, ...core } = given
  if (signals !== undefined && typeof signals !== 'boolean') throw optionTypeError('signals', 'true or false', signals)
  if (readiness !== undefined) {
    const rule = "a path such as '/ready', without a query"
    if (typeof readiness !== 'string') throw optionTypeError('readiness', rule, readiness)
    if (!PATH.test(readiness)) throw optionRangeError('readiness', rule, readiness)
  }
  const chosen = isChosen(core.drain)
  const hurry = chosen ? undefined : reasonToHurry(env)
  const drain = hurry !== undefined ? 'fast' : readiness !== undefined ? delayed(core.drain) : core.drain
  return {
    signals: signals === true ? USUAL_SIGNALS : [],
    readiness,
    core: { ...core, logger: core.logger ?? logger, drain },
    hurry,
    hurryAtTerminal: !chosen,
    isMore: readiness !== undefined || Object.keys(core).some((name) => !REACH_ALL.includes(name)),
    warnings: readiness !== undefined ? warningsOf(core.drain) : [],
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

function reasonToHurry(env: NodeJS.ProcessEnv): string | undefined {
  const mode = env.NODE_ENV
  if (mode === 'test' || mode === 'development') return `NODE_ENV is ${mode}`
  // Node sets it for what `node --watch` runs; execArgv does not say.
  return env.WATCH_REPORT_DEPENDENCIES === undefined ? undefined : 'this is node --watch'
}

/** A wrong `drain` is passed on as it is: the core says what is wrong with it. */
function delayed(drain: Options['drain']): Options['drain'] {
  if (drain === undefined) return { delay: DELAY_TO_BE_SEEN }
  if (typeof drain !== 'object' || drain === null || Array.isArray(drain) || drain.delay !== undefined) return drain
  return { ...drain, delay: DELAY_TO_BE_SEEN }
}

function warningsOf(drain: Options['drain']): WarningEvent[] {
  if (typeof drain !== 'object' || drain === null || drain.delay !== 0) return []
  const message =
    'halfclose: `readiness` with `drain.delay: 0`: the listener closes as soon as the route says no, so no load balancer gets to see it. ' +
    'Leave `drain.delay` out (5_000), or give it the time that yours needs'
  return [{ code: 'HALFCLOSE_READINESS_WITHOUT_DELAY', message }]
}

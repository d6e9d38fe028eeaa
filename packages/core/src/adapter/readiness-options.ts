import { constants } from 'node:os'
import { optionRangeError, optionTypeError } from '../errors/errors.js'
import * as DEFAULTS from '../options/defaults.js'
import { duration, section } from '../options/rules.js'
import { USUAL_SIGNALS } from '../process/signal-participant.js'

/** The option `signals`: on what an application leaves. */
export type SignalName = NodeJS.Signals | 'shutdown'

/** A readiness route on which the application decides. */
export interface ReadinessOptions {
  /** The path, e.g. `'/ready'`, without a query. */
  path: string
  /**
   * Called for every probe while serving; probes that arrive while it runs share its answer. `false`, an error, a rejection, or no answer within
   * `timeout` is a 503; anything else is a 200. Default: none. A change is logged, a single probe is not.
   */
  check?: (() => unknown) | undefined
  /** Milliseconds that `check` may take. Default 1_000. */
  timeout?: number | undefined
}

export interface Readiness {
  readonly path: string
  readonly check: (() => unknown) | undefined
  readonly timeout: number
}

const PATH = /^\/[^\s?#]*$/
const PATH_RULE = "a path such as '/ready', without a query"
/** Signals to which no process can listen, or should not: after them the process cannot go on. */
const DEADLY = ['SIGKILL', 'SIGSTOP', 'SIGSEGV', 'SIGBUS', 'SIGFPE', 'SIGILL']

/** @throws `HALFCLOSE_OPTION_TYPE`, `HALFCLOSE_OPTION_RANGE` */
export function parseSignals(given: unknown): readonly string[] {
  if (given === undefined || given === false) return []
  if (given === true) return USUAL_SIGNALS
  const rule = "true, false, or a list such as ['SIGTERM', 'SIGUSR2']; 'shutdown' is PM2's message"
  if (!Array.isArray(given)) throw optionTypeError('signals', rule, given)
  const names: string[] = []
  for (const name of given) {
    if (typeof name !== 'string') throw optionTypeError('signals', rule, given)
    if (name !== 'shutdown' && (!(name in constants.signals) || DEADLY.includes(name)))
      throw optionRangeError('signals', 'names of signals that a process can listen to', name)
    names.push(name)
  }
  if (names.length === 0) throw optionRangeError('signals', `${rule}; false for none`, given)
  return [...new Set(names)]
}

/** @throws `HALFCLOSE_OPTION_TYPE`, `HALFCLOSE_OPTION_RANGE`, `HALFCLOSE_OPTION_UNKNOWN` */
export function parseReadiness(given: unknown): Readiness | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'string')
    return { path: parsePath('readiness', given), check: undefined, timeout: DEFAULTS.READINESS_TIMEOUT }
  const { path, check, timeout } = section(given, 'readiness', `${PATH_RULE}, or { path, check }`, ['path', 'check', 'timeout'])
  if (check !== undefined && typeof check !== 'function')
    throw optionTypeError('readiness.check', 'a function, which may be async', check)
  return {
    path: parsePath('readiness.path', path),
    check: check === undefined ? undefined : () => Reflect.apply(check, undefined, []),
    timeout: duration(timeout, 'readiness.timeout') ?? DEFAULTS.READINESS_TIMEOUT,
  }
}

/** @throws `HALFCLOSE_OPTION_TYPE`, `HALFCLOSE_OPTION_RANGE` */
export function parsePath(option: string, given: unknown): string {
  if (typeof given !== 'string') throw optionTypeError(option, PATH_RULE, given)
  if (!PATH.test(given)) throw optionRangeError(option, PATH_RULE, given)
  return given
}

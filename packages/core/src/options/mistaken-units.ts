import type { WarningEvent } from '../events/types.js'

/**
 * The largest number that looks like seconds, for each option in milliseconds. It is lower for options that may sensibly be shorter than a second.
 * `keepAlive.timeout` is not here, since it warns for a reason of its own; nor are `keepAlive.hold` and `tcp.keepAlive`, where less than 1_000 is an
 * error.
 */
const SHORTEST: ReadonlyMap<string, number> = new Map([
  ['keepAlive.maxAge', 999],
  ['halfClosed', 300],
  ['linger.quiet', 300],
  ['linger.total', 999],
  ['drain.delay', 300],
  ['drain.deadline', 999],
  ['drain.idle', 300],
  ['drain.silent', 300],
  ['drain.upgraded', 300],
  ['http2.hold', 999],
  ['limits.stalled', 999],
  ['http2.stalled', 999],
])

/** `20 is milliseconds; did you mean 20_000?` */
export function askSeconds(ms: number): string {
  return `${ms} is milliseconds; did you mean ${grouped(ms * 1_000)}?`
}

/**
 * A warning for each duration among valid options that looks like seconds. There is none where NODE_ENV is `test`: tests use short durations on
 * purpose.
 */
export function secondsGiven(options: unknown, env: NodeJS.ProcessEnv): WarningEvent[] {
  if (env.NODE_ENV === 'test') return []
  const warnings: WarningEvent[] = []
  for (const [path, most] of SHORTEST) {
    const ms = path.split('.').reduce(fieldOf, options)
    if (typeof ms !== 'number' || ms === 0 || ms > most) continue
    const right = path.split('.').reduceRight((inner, name) => `{ ${name}: ${inner} }`, grouped(ms * 1_000))
    const message = `halfclose: option \`${path}\`: ${askSeconds(ms)} Write \`${right}\`; a test that means ${ms} ms has NODE_ENV=test`
    warnings.push(Object.freeze({ code: 'HALFCLOSE_OPTION_SECONDS', message }))
  }
  return warnings
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** `65_000` */
export function grouped(ms: number): string {
  return String(Math.round(ms)).replace(/\B(?=(\d{3})+$)/g, '_')
}

export function hintOfSeconds(ms: number): string | undefined {
  return ms > 0 && ms < 1_000 ? askSeconds(ms) : undefined
}

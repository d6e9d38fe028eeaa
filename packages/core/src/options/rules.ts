import { optionRangeError, optionTypeError } from '../errors/errors.js'
import { LONGEST_DELAY } from '../node/real-timers.js'
import { SECTIONS } from './names.js'
import { unknownOption } from './unknown-option.js'

/** What the values of a {@link limit} mean, for error texts. */
interface Meaning {
  /** What `false` means. */
  readonly off?: string
  /** What a number out of bounds may have meant. */
  readonly hint?: string | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** The fields of a section, all of known names; none if the section is left out. `alsoKnown`: names that an adapter reads itself. */
export function section(value: unknown, path: string, rule: string, alsoKnown: readonly string[] = []): Fields {
  if (value === undefined) return {}
  const fields = plainObject(value, path, rule)
  const known = [...(SECTIONS.get(path) ?? []), ...alsoKnown]
  for (const name of Object.keys(fields)) {
    if (!known.includes(name)) throw unknownOption(path, name, known, fields[name])
  }
  return fields
}

export function plainObject(value: unknown, path: string, rule: string): Fields {
  if (!isPlainObject(value)) throw optionTypeError(path, rule, value)
  return value
}

/** A copy of options, with their sections: the policy is parsed again for each server, and what was changed meanwhile must not count. */
export function copied(options: unknown, depth = 3): unknown {
  if (depth === 0 || !isPlainObject(options)) return options
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, copied(value, depth - 1)]))
}

export function duration(value: unknown, path: string, longest = LONGEST_DELAY): number | undefined {
  return number(value, path, `a number of milliseconds from 0 to ${longest}`, (given) => given >= 0 && given <= longest)
}

export function count(value: unknown, path: string, least: number): number | undefined {
  return number(value, path, `an integer of at least ${least}`, (given) => Number.isSafeInteger(given) && given >= least)
}

/** A number or `false`. 0 is refused, since it means "none" in some programs and "no limit" in others. */
export function limit(
  value: unknown,
  path: string,
  rule: string,
  holds: (given: number) => boolean,
  { off = 'no limit', hint }: Meaning = {},
): number | false | undefined {
  if (value === false) return false
  if (value === 0) throw optionRangeError(path, `a number or false; 0 is neither: use false for ${off}`, value)
  return number(value, path, `${rule}, or false for ${off}`, holds, hint)
}

/** Only own, enumerable names count, so an object of a class is more likely a mistake than options. */
function isPlainObject(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Not `=== Object.prototype`: options may come from another realm (jest, vm).
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function number(
  value: unknown,
  path: string,
  rule: string,
  holds: (given: number) => boolean,
  hint?: string,
): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number') throw optionTypeError(path, rule, value)
  if (!holds(value)) throw optionRangeError(path, rule, value, hint)
  return value
}

/** A whole number that something may be limited to. */
export function isLimit(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1
}

import { HalfcloseTypeError, optionRangeError, optionTypeError, quote } from './errors.js'
import type { DrainOptions, Http2Options, KeepAliveOptions, LimitsOptions, LingerOptions, Options, TcpOptions } from './types.js'

/** The longest delay of a Node timer; over it a timer fires at once. */
export const LONGEST = 2 ** 31 - 1

type Fields = Readonly<Record<string, unknown>>

// As records, so that the compiler misses a name that types.ts gains or loses.
const SECTIONS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    '',
    names<keyof Options>({ keepAlive: 1, halfClosed: 1, linger: 1, drain: 1, limits: 1, tcp: 1, http2: 1, behind: 1, logger: 1 }),
  ],
  ['keepAlive', names<keyof KeepAliveOptions>({ timeout: 1, hold: 1, maxRequests: 1, maxAge: 1, http10: 1, parameters: 1 })],
  ['linger', names<keyof LingerOptions>({ quiet: 1, total: 1, bytes: 1, connections: 1 })],
  ['limits', names<keyof LimitsOptions>({ connections: 1, perClient: 1, idle: 1, minRate: 1, refuse: 1 })],
  ['tcp', names<keyof TcpOptions>({ noDelay: 1, keepAlive: 1 })],
  ['http2', names<keyof Http2Options>({ hold: 1, streams: 1, resets: 1, control: 1, stalled: 1 })],
  ['drain', names<keyof DrainOptions>({ delay: 1, deadline: 1, idle: 1, silent: 1, minRate: 1 })],
])

/** What people know from Node and from other packages, too far from our names for the edit distance. Keys are folded. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['timeout', 'keepAlive.timeout` or `drain.deadline'],
  ['keepalivetimeout', 'keepAlive.timeout'],
  ['idletimeout', 'keepAlive.hold'],
  ['keepalivetimeoutbuffer', 'keepAlive.hold'],
  ['max', 'keepAlive.maxRequests'],
  ['maxrequestspersocket', 'keepAlive.maxRequests'],
  ['maxconnectionage', 'keepAlive.maxAge'],
  ['drain.timeout', 'drain.deadline'],
  ['draintimeout', 'drain.deadline'],
  ['graceperiod', 'drain.deadline'],
  ['forcetimeout', 'drain.deadline'],
  ['shutdowntimeout', 'drain.deadline'],
  ['gracefulshutdowntimeout', 'drain.deadline'],
  ['gracefulterminationtimeout', 'drain.deadline'],
  ['shutdowndelay', 'drain.delay'],
  ['linger.timeout', 'linger.total'],
  ['lingeringtime', 'linger.total'],
  ['lingeringtimeout', 'linger.quiet'],
  ['maxconnections', 'limits.connections'],
  ['nodelay', 'tcp.noDelay'],
  ['keepaliveinitialdelay', 'tcp.keepAlive'],
  ['allowhalfopen', 'halfClosed'],
  ['proxy', 'behind'],
  ['loadbalancer', 'behind'],
  ['log', 'logger'],
])

/** The fields of a section, each of a known name; none where the section is left out. `alsoKnown`: names that an adapter reads itself. */
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

export function duration(value: unknown, path: string, longest = LONGEST): number | undefined {
  return number(value, path, `a number of milliseconds from 0 to ${longest}`, (given) => given >= 0 && given <= longest)
}

export function count(value: unknown, path: string, least: number): number | undefined {
  return number(value, path, `an integer of at least ${least}`, (given) => Number.isSafeInteger(given) && given >= least)
}

/** A number or `false`. That 0 means "none" in one program and "no limit" in the next is why it means neither here. */
export function limit(value: unknown, path: string, rule: string, holds: (given: number) => boolean): number | false | undefined {
  if (value === false) return false
  if (value === 0) throw optionRangeError(path, 'a number or false; 0 is neither: use false for no limit', value)
  return number(value, path, `${rule}, or false for no limit`, holds)
}

/** The own, enumerable names are what counts, so an object with a class behind it is more likely a mistake than options. */
function isPlainObject(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // Not `=== Object.prototype`: options may come from another realm (jest, vm).
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function number(value: unknown, path: string, rule: string, holds: (given: number) => boolean): number | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'number') throw optionTypeError(path, rule, value)
  if (!holds(value)) throw optionRangeError(path, rule, value)
  return value
}

function unknownOption(path: string, name: string, known: readonly string[], value: unknown): HalfcloseTypeError {
  const full = join(path, name)
  const meant = suggest(path, name, known)
  const hint = meant === undefined ? `known ${path === '' ? 'are' : 'there'}: ${known.join(', ')}` : `did you mean \`${meant}\`?`
  // Through JSON, so that a name from a parsed file cannot break the line.
  const message = `halfclose: unknown option \`${quote(full).slice(1, -1)}\`; ${hint}`
  return new HalfcloseTypeError('HALFCLOSE_OPTION_UNKNOWN', message, { path: full, value })
}

function suggest(path: string, name: string, known: readonly string[]): string | undefined {
  const exact = ALIASES.get(fold(join(path, name)))
  if (exact !== undefined) return exact
  const folded = fold(name)
  const near = nearest(name, known)
  if (near !== undefined) return join(path, near)
  for (const [other, there] of SECTIONS) {
    const same = there.find((candidate) => fold(candidate) === folded)
    if (same !== undefined) return join(other, same)
  }
  return ALIASES.get(folded)
}

/** The known name that a misspelt one is nearest to. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const folded = fold(name)
  for (let edits = 0; edits <= (folded.length > 4 ? 2 : 1); edits++) {
    const near = known.find((candidate) => within(edits, folded, fold(candidate)))
    if (near !== undefined) return near
  }
  return undefined
}

/** Whether `a` becomes `b` by so many insertions, deletions, replacements, or swaps of neighbours. */
function within(edits: number, a: string, b: string): boolean {
  if (a === b) return true
  if (edits === 0 || Math.abs(a.length - b.length) > edits) return false
  let same = 0
  while (a[same] === b[same]) same++
  const [s, t] = [a.slice(same), b.slice(same)]
  return (
    within(edits - 1, s.slice(1), t.slice(1)) ||
    within(edits - 1, s.slice(1), t) ||
    within(edits - 1, s, t.slice(1)) ||
    (s[0] === t[1] && s[1] === t[0] && within(edits - 1, s.slice(2), t.slice(2)))
  )
}

export function fold(name: string): string {
  return name.toLowerCase().replace(/[-_ ]/g, '')
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function names<K extends string>(all: Readonly<Record<K, 1>>): readonly string[] {
  return Object.keys(all)
}

import { HalfcloseTypeError, quote } from '../errors/errors.js'
import { fold, nearest } from '../errors/spelling.js'
import { SECTIONS } from './names.js'

/** Names that users know from Node and from other packages, which are too different from ours to be found by spelling. Keys are folded. */
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
  ['onclose', 'onDrained'],
  ['ondrain', 'onDrained'],
  ['onshutdown', 'onDrained'],
  ['onsignal', 'onDrained'],
])

/** Options that one package has and another has not: where each belongs, and what to write instead. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  [
    'signals',
    "belongs to the adapters, @halfclose/express and @halfclose/fastify; with `attach` write `process.once('SIGTERM', () => connections.drain({ reason: 'SIGTERM' }))`",
  ],
  [
    'readiness',
    'belongs to the adapters, @halfclose/express and @halfclose/fastify; with `attach` answer a route of your own by `connections.ready`',
  ],
  [
    'metrics',
    'belongs to the adapters, @halfclose/express and @halfclose/fastify; with `attach` call `exposition(connections)` of @halfclose/core/metrics',
  ],
  ['liveness', 'belongs to the adapters, @halfclose/express and @halfclose/fastify; with `attach` answer a route of your own'],
  [
    'onDrained',
    "belongs to @halfclose/express; with Fastify write `app.addHook('onClose', …)`, with `attach` `await connections.drain()`",
  ],
  ['close', 'belongs to @halfclose/fastify; with Express write `onDrained`, with `attach` `await connections.drain()`'],
])

/** The error for a name that is no option of the section `path`; it says what was probably meant. `known`: the options of that section. */
export function unknownOption(path: string, name: string, known: readonly string[], value: unknown): HalfcloseTypeError {
  const full = join(path, name)
  // Quoted as JSON, so that a name from a parsed file cannot break the line.
  const message = `halfclose: unknown option \`${quote(full).slice(1, -1)}\`; ${hintFor(path, name, known, value)}`
  return new HalfcloseTypeError('HALFCLOSE_OPTION_UNKNOWN', message, { path: full, value })
}

function hintFor(path: string, name: string, known: readonly string[], value: unknown): string {
  const nested = name.includes('.') ? unfold(name) : undefined
  if (nested !== undefined) return `names are nested: write \`${literal(nested, value)}\``
  const meant = suggest(path, name, known)
  if (path === '') {
    const elsewhere = ELSEWHERE.get(name)
    if (elsewhere !== undefined) return `it ${elsewhere}`
    // Another name of an option that this package does not have.
    const other = meant === undefined || known.includes(meant) ? undefined : ELSEWHERE.get(meant)
    if (other !== undefined) return `\`${meant}\` ${other}`
  }
  return meant === undefined ? `known ${path === '' ? 'are' : 'there'}: ${known.join(', ')}` : `did you mean \`${meant}\`?`
}

/** The path that a dotted name means, even if it is misspelt; `undefined` if there is none. */
function unfold(name: string): string[] | undefined {
  const [first = '', second = '', ...rest] = name.split('.')
  const section = nearest(
    first,
    [...SECTIONS.keys()].filter((known) => known !== ''),
  )
  if (section === undefined) return undefined
  const path = (suggest(section, second, SECTIONS.get(section) ?? []) ?? '').split('.')
  return path.length === 2 ? [...path, ...rest] : undefined
}

/** `{ drain: { deadline: 5000 } }`. */
function literal(path: readonly string[], value: unknown): string {
  const shown =
    typeof value === 'string' ? quote(value) : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '…'
  return path.reduceRight((inner, name) => `{ ${name}: ${inner} }`, shown)
}

function suggest(path: string, name: string, known: readonly string[]): string | undefined {
  const exact = ALIASES.get(fold(join(path, name)))
  if (exact !== undefined) return exact
  const folded = fold(name)
  const near = nearest(name, known)
  if (near !== undefined) return join(path, near)
  for (const [other, there] of SECTIONS) {
    const same = there.find((candidate) => fold(candidate) === folded || fold(`${other}${candidate}`) === folded)
    if (same !== undefined) return join(other, same)
  }
  return ALIASES.get(folded) ?? nearest(name, [...ELSEWHERE.keys()])
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

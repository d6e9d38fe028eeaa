import { HalfcloseTypeError } from '../errors/errors.js'
import { parseConnection } from './tokens.js'

/** Fields by name, as `req.headers`, `res.headers` of a client, or a plain object has them. */
type Fields = Readonly<NodeJS.Dict<string | number | readonly string[]>>

/** Options of {@link endToEndHeaders}. */
export interface EndToEndOptions {
  /**
   * For a trailer section: the Connection field of the head that came before it. What that names is removed from the trailers too
   * (RFC 9110 §7.6.1).
   */
  connection?: string | readonly string[] | undefined
  /** Names of your own fields that a peer may not have removed either, in any case, e.g. `['X-Authenticated-User']`. */
  keep?: readonly string[] | undefined
  /** Called once for each name in Connection, in lower case, that was ignored because the field is meant for all recipients. */
  onRefused?: ((name: string) => void) | undefined
}

/**
 * Fields for one hop only, whether Connection lists them or not: RFC 9110 §7.6.1, and what older proxies send. The `proxy-auth…` fields are for the
 * next hop alone (§11.7). Trailer is among them because a gateway that passes trailers on frames the message anew, and announces them anew (§6.6.2).
 */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
])

/**
 * Fields meant for all recipients, which are never connection options (RFC 9110 §7.6.1). If a peer could have them removed, it could change where a
 * message goes and where it ends, who sent it, what may be stored, or what a browser allows.
 */
const FOR_ALL = new Set([
  // Where the message goes, and how it is asked for: §7.2, §10.1, §14.2, §7.6.2, RFC 9218.
  'host',
  'expect',
  'from',
  'referer',
  'user-agent',
  'range',
  'max-forwards',
  'priority',
  // Who sends the request, and who answers it: §11, RFC 6265, RFC 6454, RFC 9421.
  'authorization',
  'authentication-info',
  'www-authenticate',
  'cookie',
  'set-cookie',
  'origin',
  'signature',
  'signature-input',
  // The hops before this one: §7.6.3, RFC 7239, and its forerunners.
  'via',
  'forwarded',
  'x-real-ip',
  // What the content is, and what may be stored: §6.6.1, §8, §12.5.5, RFC 9111, RFC 9530.
  'digest',
  'etag',
  'last-modified',
  'repr-digest',
  'want-content-digest',
  'want-repr-digest',
  'age',
  'cache-control',
  'cdn-cache-control',
  'date',
  'expires',
  'pragma',
  'vary',
  // What the client is to do with the answer: §10.2.
  'allow',
  'location',
  'retry-after',
  // What a browser allows.
  'clear-site-data',
  'permissions-policy',
  'referrer-policy',
  'strict-transport-security',
  'x-content-type-options',
  'x-frame-options',
])

/** Whole families of such fields: §8, §12.5, §13.1; the Fetch standard; what gateways tell their origins. */
const FOR_ALL_PREFIXES = ['accept-', 'access-control-', 'content-', 'cross-origin-', 'if-', 'sec-', 'x-forwarded-']

/**
 * What an application that forwards a message may pass on (RFC 9110 §7.6.1). Removed are Connection and the fields that it names; Keep-Alive,
 * Proxy-Connection, TE, Trailer, Transfer-Encoding, Upgrade and Proxy-Auth…, named or not; and a Content-Length beside a Transfer-Encoding, which it
 * would contradict (RFC 9112 §6.3). All other fields stay as they are.
 *
 * Given a raw list (`req.rawHeaders`, `rawTrailers`), the result is one too: duplicates, order and case stay. Given an object, the result is a new
 * one with the same names and values. Nothing that was passed in is changed.
 *
 * A peer cannot remove what is meant for all recipients: Host, Content-…, Authorization, Cookie, Cache-Control, Via, X-Forwarded-… and the like
 * stay, whatever Connection says; `onRefused` tells. Fields of your gateway (`X-User`) go in `keep`, or are set after the call. Never call it with
 * less than the whole section: Connection must be in it.
 *
 * Not done, since the fields alone do not suffice: Via (§7.6.3), Max-Forwards (§7.6.2), answering `Expect` (§10.1.1), upgrading, HTTP/2's
 * pseudo-header fields, and setting Connection, Trailer or the framing of the next hop: its client does that.
 *
 * Throws a `TypeError` (`HALFCLOSE_NOT_HEADERS`) for other values: a fetch `Headers` would otherwise lose every field in silence.
 */
export function endToEndHeaders(headers: readonly string[], options?: EndToEndOptions): string[]
export function endToEndHeaders<T extends Fields>(headers: T, options?: EndToEndOptions): Partial<T>
export function endToEndHeaders(headers: readonly string[] | Fields, options: EndToEndOptions = {}): string[] | Fields {
  const pairs = isList(headers) ? pairsOf(headers) : entriesOf(headers)
  const nominated = nominatedBy(pairs, options)
  const framed = pairs.some(([name, value]) => value !== undefined && name.toLowerCase() === 'transfer-encoding')
  const kept = pairs.filter(([given]) => {
    const name = given.toLowerCase()
    return !HOP_BY_HOP.has(name) && !nominated.has(name) && !(framed && name === 'content-length')
  })
  if (isList(headers)) return kept.flatMap(([name, value]) => [name, String(value)])
  // Object.fromEntries defines the properties. An assignment to `__proto__`, which is a valid field name, would set the prototype.
  return Object.fromEntries(kept)
}

type Pair = readonly [name: string, value: Fields[string]]

/** The names in Connection, less those that a peer may not have removed. */
function nominatedBy(pairs: readonly Pair[], { connection, keep, onRefused }: EndToEndOptions): ReadonlySet<string> {
  const said = pairs.filter(([name]) => name.toLowerCase() === 'connection').map(([, value]) => textOf(value))
  if (connection !== undefined) said.push(textOf(connection))
  const nominated = new Set(said.length === 0 ? [] : parseConnection(said.join()).options)
  if (nominated.size === 0) return nominated
  const mine = new Set(keep?.map((name) => name.toLowerCase()))
  for (const name of nominated) {
    if (HOP_BY_HOP.has(name) || !(mine.has(name) || isForAllRecipients(name))) continue
    nominated.delete(name)
    onRefused?.(name)
  }
  return nominated
}

/** Whether a field is meant for all recipients, so that Connection must not name it. */
export function isForAllRecipients(name: string): boolean {
  return name === 'accept' || FOR_ALL.has(name) || FOR_ALL_PREFIXES.some((prefix) => name.startsWith(prefix))
}

function textOf(value: Fields[string]): string {
  if (value === undefined) return ''
  return typeof value === 'object' ? value.join() : String(value)
}

function isList(headers: readonly string[] | Fields): headers is readonly string[] {
  return Array.isArray(headers)
}

function pairsOf(list: readonly string[]): Pair[] {
  const pairs: Pair[] = []
  for (let i = 0; i < list.length; i += 2) {
    const [name, value] = [list[i], list[i + 1]]
    if (typeof name !== 'string' || typeof value !== 'string') throw wrongHeaders('a flat list of names and values, in turns')
    pairs.push([name, value])
  }
  return pairs
}

function entriesOf(headers: Fields): Pair[] {
  if (typeof headers !== 'object' || headers === null || Symbol.iterator in headers)
    throw wrongHeaders('an object of fields by name')
  return Object.entries(headers)
}

function wrongHeaders(what: string): HalfcloseTypeError {
  const message = `halfclose: endToEndHeaders() takes req.headers or req.rawHeaders: expected ${what}`
  return new HalfcloseTypeError('HALFCLOSE_NOT_HEADERS', message)
}

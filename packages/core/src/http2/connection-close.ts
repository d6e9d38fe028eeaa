import type { Http2ServerResponse, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { parseConnection } from '../http/tokens.js'
import { below } from '../node/patched-methods.js'
import { exchangeOf } from './session.js'

// HTTP/2 has no Connection field (RFC 9113 §8.2.2): Node drops it with a warning, or throws. An application that sets `Connection: close` wants the
// connection to end after this response; a GOAWAY does that, as in Go and Envoy.

type Fields = Readonly<Record<string, unknown>>

/** Lets a response say close. A response whose methods the application has wrapped before is left as it is. */
export function interceptConnectionHeader(res: object): void {
  if (!Object.hasOwn(res, 'setHeader') && !Object.hasOwn(res, 'writeHead')) Object.assign(res, OVERRIDES)
}

/**
 * The fields without Connection, if that says close; else the same object. It records the close. Node accepts an object, an array of pairs and a flat
 * array.
 */
export function withoutClose<T>(stream: ServerHttp2Stream, fields: T): T | Fields | unknown[] {
  if (Array.isArray(fields)) return withoutCloseInList(stream, fields)
  if (!isFields(fields)) return fields
  // A loop over the names, without making entries: nearly every response has no such field.
  for (const name in fields) if (saysClose(name, fields[name])) return noted(stream, fields)
  return fields
}

function noted(stream: ServerHttp2Stream, fields: Fields): Fields {
  note(stream)
  return Object.fromEntries(Object.entries(fields).filter(([name, value]) => !saysClose(name, value)))
}

function withoutCloseInList(stream: ServerHttp2Stream, fields: unknown[]): unknown[] {
  const kept = Array.isArray(fields[0])
    ? fields.filter((pair) => !(Array.isArray(pair) && saysClose(pair[0], pair[1])))
    : fields.filter((_, at) => !saysClose(fields[at - (at % 2)], fields[at - (at % 2) + 1]))
  if (kept.length === fields.length) return fields
  note(stream)
  return kept
}

function saysClose(name: unknown, value: unknown): boolean {
  if (typeof name !== 'string' || name.length !== 10 || name.toLowerCase() !== 'connection') return false
  return parseConnection(Array.isArray(value) ? value.join(', ') : String(value)).close
}

function note(stream: ServerHttp2Stream | undefined): void {
  const exchange = stream === undefined ? undefined : exchangeOf(stream)
  if (exchange !== undefined) exchange.closes = true
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function setHeader(this: Http2ServerResponse, name: string, value: number | string | readonly string[]): unknown {
  if (!saysClose(name, value)) return Reflect.apply(below(this, 'setHeader', setHeader), this, [name, value])
  note(this.stream)
  return undefined
}

/** Only Node 20.12 and later have it. */
function appendHeader(this: Http2ServerResponse, name: string, value: string | readonly string[]): unknown {
  if (!saysClose(name, value)) return Reflect.apply(below(this, 'appendHeader', appendHeader), this, [name, value])
  note(this.stream)
  return undefined
}

function writeHead(this: Http2ServerResponse, status: number, ...rest: (string | OutgoingHttpHeaders | undefined)[]): unknown {
  const args = this.stream === undefined ? rest : rest.map((each) => withoutClose(this.stream, each))
  return Reflect.apply(below(this, 'writeHead', writeHead), this, [status, ...args])
}

const OVERRIDES = { setHeader, appendHeader, writeHead }

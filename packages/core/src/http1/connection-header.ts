import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { isForAllRecipients } from '../http/hop-by-hop.js'
import { parseConnection } from '../http/tokens.js'
import { rewriteHead } from '../node/response-fields.js'

// The header fields about the connection and the framing: what the application said in them, and how they are corrected. The application may have set
// them one by one, or passed them to writeHead() as an object, a flat list or a list of pairs.

export type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

/** What the application said about the connection in this head. */
export interface Said {
  readonly connection: string | undefined
  readonly keepAlive: boolean
  readonly transferEncoding: string | undefined
  readonly upgrade: boolean
}

/** The value for nearly every head. */
export const NOTHING: Said = { connection: undefined, keepAlive: false, transferEncoding: undefined, upgrade: false }

export function whatWasSaid(res: ServerResponse, given: Headers | undefined): Said {
  let said = NOTHING
  // One look at all names costs less than asking for each of the four.
  const names = res.getHeaderNames()
  for (let i = 0; i < names.length; i++) {
    const name = names[i]
    if (name !== undefined && matters(name)) said = note(said, name, res.getHeader(name), false)
  }
  if (Array.isArray(given)) return whatListSaid(said, given)
  for (const name in given) {
    // Node does not write inherited fields either.
    if (matters(name) && Object.hasOwn(given, name)) said = note(said, name, given[name], false)
  }
  return said
}

function whatListSaid(before: Said, given: OutgoingHttpHeader[]): Said {
  let said = before
  for (let i = 0; i < given.length; i += 1) {
    const entry = given[i]
    const name = Array.isArray(entry) ? String(entry[0]) : i % 2 === 0 ? String(entry) : ''
    if (matters(name)) said = note(said, name, Array.isArray(entry) ? entry[1] : given[i + 1], true)
  }
  return said
}

/** The names that matter have 7, 10 or 17 letters: most fields are skipped by their length alone. */
function matters({ length }: string): boolean {
  return length === 10 || length === 17 || length === 7
}

function note(said: Said, name: string, value: unknown, repeatable: boolean): Said {
  switch (name.toLowerCase()) {
    case 'connection': {
      const before = repeatable ? said.connection : undefined
      return { ...said, connection: before === undefined ? text(value) : `${before}, ${text(value)}` }
    }
    case 'keep-alive':
      return { ...said, keepAlive: true }
    case 'transfer-encoding':
      return { ...said, transferEncoding: text(value) }
    case 'upgrade':
      return { ...said, upgrade: true }
    default:
      return said
  }
}

function text(value: unknown): string | undefined {
  if (value === undefined) return undefined
  return Array.isArray(value) ? value.join(', ') : String(value)
}

/**
 * The fields with our own Connection and Keep-Alive. Other options that the application listed in Connection (`Upgrade`) stay. The form is kept: Node
 * 20 would lose duplicates of a flat list if a field were set beside it.
 */
export function withConnection(
  res: ServerResponse,
  given: Headers | undefined,
  said: Said,
  option: 'close' | 'keep-alive',
  keepAlive: string,
): Headers | undefined {
  const others = parseConnection(said.connection).options.filter(
    (name) => name !== 'close' && name !== 'keep-alive' && name !== 'upgrade' && !isForAllRecipients(name),
  )
  // A field for this hop only has to be listed in Connection (RFC 9110 §7.6.1).
  const connection = [...others, ...(said.upgrade ? ['upgrade'] : []), option].join(', ')
  if (given === undefined || !Array.isArray(given)) {
    res.setHeader('Connection', connection)
    if (keepAlive === '') res.removeHeader('Keep-Alive')
    else res.setHeader('Keep-Alive', keepAlive)
    return given === undefined ? undefined : withoutConnection(given)
  }
  if (res.hasHeader('connection')) res.setHeader('Connection', connection)
  res.removeHeader('Keep-Alive')
  return listWith(given, connection, keepAlive)
}

function isOurs(name: string): boolean {
  if (name.length !== 10) return false
  const lower = name.toLowerCase()
  return lower === 'connection' || lower === 'keep-alive'
}

function withoutConnection(given: OutgoingHttpHeaders): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = {}
  for (const name in given) if (!isOurs(name)) fields[name] = given[name]
  return fields
}

function listWith(given: OutgoingHttpHeader[], connection: string, keepAlive: string): OutgoingHttpHeader[] {
  const list: OutgoingHttpHeader[] = []
  const pairs = Array.isArray(given[0])
  for (let i = 0; i < given.length; i += pairs ? 1 : 2) {
    const entry = given[i]
    if (entry === undefined) continue
    if (Array.isArray(entry)) {
      if (!isOurs(String(entry[0]))) list.push(entry)
    } else {
      const value = given[i + 1]
      if (!isOurs(String(entry)) && value !== undefined) list.push(entry, value)
    }
  }
  if (pairs) {
    list.push(['Connection', connection])
    if (keepAlive !== '') list.push(['Keep-Alive', keepAlive])
  } else {
    list.push('Connection', connection)
    if (keepAlive !== '') list.push('Keep-Alive', keepAlive)
  }
  return list
}

/** The fields without one of them. */
export function without(given: Headers | undefined, unwanted: string): Headers | undefined {
  if (given === undefined) return undefined
  if (!Array.isArray(given)) {
    return Object.fromEntries(Object.entries(given).filter(([name]) => name.toLowerCase() !== unwanted))
  }
  if (Array.isArray(given[0])) return given.filter((entry) => !Array.isArray(entry) || entry[0]?.toLowerCase() !== unwanted)
  return given.filter((_, index) => String(given[index - (index % 2)]).toLowerCase() !== unwanted)
}

const CONNECTION_LINES = /\r\n(?:connection|keep-alive):[^\r]*(?=\r\n)/gi
const OURS: ReadonlySet<string> = new Set(['close', 'keep-alive'])

/** Replaces the connection options of a head that Node wrote but has not sent by `Connection: close`. Other options stay. */
export function announceClose(res: ServerResponse): void {
  rewriteHead(res, (written) => {
    const options: string[] = []
    const head = written.replace(CONNECTION_LINES, (line) => {
      const [name, value] = line.split(':', 2)
      if (name?.toLowerCase() === '\r\nconnection')
        options.push(...parseConnection(value).options.filter((option) => !OURS.has(option)))
      return ''
    })
    return `${head.slice(0, -2)}Connection: ${[...options, 'close'].join(', ')}\r\n\r\n`
  })
}

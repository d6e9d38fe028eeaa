import fc from 'fast-check'

/** A well-formed request; its path carries an id that no other has. */
interface Part {
  shape: 'get' | 'post' | 'chunked' | 'trailers' | 'closing' | 'get10'
  size: number
  /** Answered in the same tick, a little later, or when its body is there. */
  when: 'now' | 'soon' | 'read'
}

export interface Mutation {
  op: 'flip' | 'delete' | 'double' | 'insert' | 'bare-lf' | 'truncate'
  /** Where, and how far, as parts of the whole. */
  at: number
  length: number
  text: string
}

export interface Case {
  parts: Part[]
  mutations: Mutation[]
  delivery: 'whole' | 'pieces' | 'drip'
  leave: 'fin' | 'reset' | 'stay'
  tls: boolean
}

export interface Pipeline {
  bytes: Buffer
  /** What must be answered, in order: the requests before the first byte that was touched, up to one that asks for the close. */
  owed: string[]
}

const lines = (...all: string[]): string => `${all.join('\r\n')}\r\n\r\n`

function textOf({ shape, size, when }: Part, id: string): { text: string; answer: string } {
  const path = `/${id}-${when}`
  const body = 'b'.repeat(size)
  const chunks = `${size.toString(16)};name=value\r\n${body}\r\n3\r\nend\r\n0\r\n`
  switch (shape) {
    case 'get':
      return { text: lines(`GET ${path} HTTP/1.1`, 'Host: a'), answer: path }
    case 'closing':
      return { text: lines(`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close'), answer: path }
    case 'get10':
      return { text: lines(`GET ${path} HTTP/1.0`), answer: path }
    case 'post':
      return { text: lines(`POST ${path} HTTP/1.1`, 'Host: a', `Content-Length: ${size}`) + body, answer: path }
    case 'chunked':
      return { text: `${lines(`POST ${path} HTTP/1.1`, 'Host: a', 'Transfer-Encoding: chunked')}${chunks}\r\n`, answer: path }
    case 'trailers':
      return {
        text: `${lines(`POST ${path} HTTP/1.1`, 'Host: a', 'Trailer: x', 'Transfer-Encoding: chunked')}${chunks}X: y\r\n\r\n`,
        answer: path,
      }
  }
}

/** The bytes that are sent, and what is owed for them. */
export function build({ parts, mutations }: Pick<Case, 'parts' | 'mutations'>, serial: string): Pipeline {
  const requests = parts.map((part, index) => ({
    ...textOf(part, `${serial}x${index}`),
    last: part.shape === 'closing' || part.shape === 'get10',
  }))
  let bytes = Buffer.from(requests.map(({ text }) => text).join(''), 'latin1')
  let intact = bytes.length
  for (const mutation of mutations) {
    const at = Math.min(Math.floor(mutation.at * bytes.length), bytes.length - 1)
    if (at < 0) break
    intact = Math.min(intact, at)
    bytes = Buffer.from(mutate(bytes, at, mutation))
  }
  const owed: string[] = []
  let end = 0
  for (const { text, answer, last } of requests) {
    end += text.length
    if (end > intact) break
    owed.push(answer)
    if (last) break
  }
  return { bytes, owed }
}

export function mutate(bytes: Buffer, at: number, { op, length, text }: Mutation): Buffer {
  const before = bytes.subarray(0, at)
  const after = bytes.subarray(at)
  const span = Math.max(1, Math.floor(length * after.length))
  switch (op) {
    case 'flip':
      return Buffer.concat([before, Buffer.from([bytes.readUInt8(at) ^ (1 << (span % 8))]), after.subarray(1)])
    case 'delete':
      return Buffer.concat([before, after.subarray(span)])
    case 'double':
      return Buffer.concat([before, after.subarray(0, span), after])
    case 'truncate':
      return before
    case 'bare-lf':
      return Buffer.concat([before, Buffer.from(after.toString('latin1').replace('\r\n', '\n'), 'latin1')])
    case 'insert': {
      // What looks like a field goes to the beginning of a line, as far as there is one.
      const line = text.endsWith('\r\n') ? after.indexOf('\r\n') + 2 : 0
      return Buffer.concat([before, after.subarray(0, line), Buffer.from(text, 'latin1'), after.subarray(line)])
    }
  }
}

const DICTIONARY = [
  '\0',
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  ' ',
  '\t',
  ':',
  ';',
  '\xff',
  '0\r\n\r\n',
  ';a="\r\n"',
  ';'.repeat(20_000),
  'x'.repeat(20_000),
  'Content-Length: 5\r\n',
  'Content-Length: 5, 5\r\n',
  'Content-Length: -1\r\n',
  'Content-Length: +3\r\n',
  'Content-Length: 99999999999999999999999\r\n',
  'Content-Length: 0x10\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: chunked, gzip\r\n',
  'Transfer-Encoding : chunked\r\n',
  'transfer-encoding: \x0bchunked\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive, upgrade\r\n',
  'Host: b\r\n',
  'Expect: 100-continue\r\n',
  'Expect: nonsense\r\n',
  ' folded: line\r\n',
  'ffffffffffffffffffff',
  '-',
  '7fffffff\r\n',
]

export const mutation: fc.Arbitrary<Mutation> = fc.record({
  op: fc.constantFrom(
    'flip' as const,
    'flip' as const,
    'delete' as const,
    'double' as const,
    'insert' as const,
    'insert' as const,
    'bare-lf' as const,
    'truncate' as const,
  ),
  at: fc.double({ min: 0, max: 0.999, noNaN: true }),
  length: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.5, noNaN: true })),
  text: fc.constantFrom(...DICTIONARY),
})

export const fuzzCase: fc.Arbitrary<Case> = fc.record({
  parts: fc.array(
    fc.record({
      shape: fc.constantFrom<Part['shape']>('get', 'get', 'post', 'post', 'chunked', 'trailers', 'closing', 'get10'),
      size: fc.constantFrom(1, 17, 300),
      when: fc.constantFrom<Part['when']>('now', 'soon', 'read'),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  mutations: fc.array(mutation, { minLength: 0, maxLength: 3 }),
  delivery: fc.constantFrom('whole', 'whole', 'pieces', 'drip'),
  leave: fc.constantFrom('fin', 'fin', 'fin', 'reset', 'stay'),
  tls: fc.constantFrom(false, false, false, true),
})

import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { type EndToEndOptions, endToEndHeaders } from '../src/index.js'

/** Both shapes of `fields`, without the duplicates that an object cannot hold. */
function both(fields: [string, string][], options?: EndToEndOptions): string[] {
  const left = endToEndHeaders(fields.flat(), options)
  const names = left.filter((_, i) => i % 2 === 0)
  if (new Set(fields.map(([name]) => name)).size === fields.length) {
    const object = endToEndHeaders(Object.fromEntries(fields), options)
    expect(Object.keys(object)).toEqual(names)
  }
  return names
}

const refusedBy = (connection: string, options: EndToEndOptions = {}): string[] => {
  const refused: string[] = []
  endToEndHeaders(['Connection', connection], { ...options, onRefused: (name) => refused.push(name) })
  return refused
}

describe('endToEndHeaders', () => {
  test.each<[string, [string, string][], string[]]>([
    [
      'an ordinary request passes whole',
      [
        ['Host', 'a'],
        ['Accept', '*/*'],
        ['X-Own', '1'],
      ],
      ['Host', 'Accept', 'X-Own'],
    ],
    ['nothing', [], []],
    [
      'Connection goes (R013)',
      [
        ['Host', 'a'],
        ['Connection', 'close'],
      ],
      ['Host'],
    ],
    [
      'what Connection names goes (R015, R135)',
      [
        ['X-Hop', '1'],
        ['Connection', 'x-hop'],
        ['X-Own', '2'],
      ],
      ['X-Own'],
    ],
    [
      'in any case',
      [
        ['x-HOP', '1'],
        ['cOnNeCtIoN', 'X-hop'],
      ],
      [],
    ],
    [
      'named before or after',
      [
        ['Connection', 'A, b'],
        ['a', '1'],
        ['B', '2'],
        ['c', '3'],
      ],
      ['c'],
    ],
    [
      'in several Connection fields',
      [
        ['Connection', 'a'],
        ['A', '1'],
        ['connection', 'b'],
        ['B', '2'],
      ],
      [],
    ],
    [
      'amid empty elements and whitespace',
      [
        ['Connection', ' ,\t, a ,,b\t,'],
        ['a', '1'],
        ['b', '2'],
        ['c', '3'],
      ],
      ['c'],
    ],
    [
      'only as a whole name',
      [
        ['Connection', 'x-hop'],
        ['x-hop-2', '1'],
        ['x-ho', '2'],
      ],
      ['x-hop-2', 'x-ho'],
    ],
    [
      'every field of that name',
      [
        ['a', '1'],
        ['b', '2'],
        ['A', '3'],
        ['Connection', 'a'],
      ],
      ['b'],
    ],
    [
      'a field called Close, which nobody may use',
      [
        ['Close', '1'],
        ['Connection', 'close'],
      ],
      [],
    ],
    [
      'a Transfer-Encoding takes a Content-Length with it',
      [
        ['Content-Length', '3'],
        ['Transfer-Encoding', 'chunked'],
        ['a', ''],
      ],
      ['a'],
    ],
    ['a Content-Length alone stays', [['Content-Length', '3']], ['Content-Length']],
  ])('%s', (_, fields, left) => {
    expect(both(fields)).toEqual(left)
  })

  test.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Proxy-Authenticate',
    'Proxy-Authorization',
    'Proxy-Authentication-Info',
  ])('%s goes, listed or not (R017, R136)', (name) => {
    for (const spelt of [name, name.toLowerCase(), name.toUpperCase()]) {
      expect(
        both([
          [spelt, 'a'],
          ['x', '1'],
        ]),
      ).toEqual(['x'])
    }
    if (name !== 'Connection')
      expect(
        both([
          ['Connection', name],
          [name, 'a'],
          ['x', '1'],
        ]),
      ).toEqual(['x'])
    expect(refusedBy(name)).toEqual([])
    expect(both([[name, 'a']], { keep: [name] })).toEqual([])
  })

  test.each([
    ...['Host', 'Content-Length', 'Content-Type', 'Content-Encoding', 'Authorization', 'Cookie', 'Set-Cookie', 'Cache-Control'],
    ...[
      'Accept',
      'Accept-Encoding',
      'Age',
      'Date',
      'ETag',
      'Expect',
      'Expires',
      'Forwarded',
      'If-Match',
      'If-None-Match',
      'Location',
    ],
    ...[
      'Max-Forwards',
      'Origin',
      'Pragma',
      'Range',
      'Sec-Fetch-Site',
      'Strict-Transport-Security',
      'Vary',
      'Via',
      'WWW-Authenticate',
    ],
    ...['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Real-IP', 'Access-Control-Allow-Origin', 'X-Frame-Options'],
  ])('%s cannot be named away, and the attempt shows (R137)', (name) => {
    const connection = `close, ${name}, x-hop`
    expect(
      both([
        ['Connection', connection],
        [name, 'a'],
        ['x-hop', '1'],
      ]),
    ).toEqual([name])
    expect(refusedBy(connection)).toEqual([name.toLowerCase()])
    expect(refusedBy(`${name}, ${name.toUpperCase()}`)).toEqual([name.toLowerCase()])
  })

  test('fields that only the application knows are kept where it says so', () => {
    const fields: [string, string][] = [
      ['Connection', 'X-User, x-hop'],
      ['x-user', 'ann'],
      ['x-hop', '1'],
    ]
    expect(both(fields)).toEqual([])
    expect(both(fields, { keep: ['X-USER'] })).toEqual(['x-user'])
    expect(refusedBy('x-user, x-hop', { keep: ['X-USER'] })).toEqual(['x-user'])
    expect(both([['x-user', '1']], { keep: ['x-user'] })).toEqual(['x-user'])
  })

  test("a trailer section loses what the head's Connection named (R135)", () => {
    expect(endToEndHeaders(['X-Sum', '1', 'X-Hop', '2'], { connection: 'close, X-Hop' })).toEqual(['X-Sum', '1'])
    expect(endToEndHeaders({ 'x-sum': '1', 'x-hop': '2' }, { connection: ['close', 'x-hop'] })).toEqual({ 'x-sum': '1' })
    expect(endToEndHeaders(['X-Hop', '2'], { connection: undefined })).toEqual(['X-Hop', '2'])
  })

  test('a raw list keeps duplicates, order, case and values as they are', () => {
    const raw = [
      'HOST',
      'a',
      'x-B',
      '',
      'X-b',
      ' 2 ',
      'Connection',
      'te',
      'TE',
      'trailers',
      'x-B',
      '3',
      'Set-Cookie',
      'a=1, b',
      'set-cookie',
      'c',
    ]
    const before = [...raw]
    expect(endToEndHeaders(raw)).toEqual([
      'HOST',
      'a',
      'x-B',
      '',
      'X-b',
      ' 2 ',
      'x-B',
      '3',
      'Set-Cookie',
      'a=1, b',
      'set-cookie',
      'c',
    ])
    expect(raw).toEqual(before)
  })

  test('an object keeps its names, the values themselves, and its type', () => {
    const cookies = ['a=1', 'b=2']
    const incoming: IncomingHttpHeaders = Object.freeze({ host: 'a', 'set-cookie': cookies, connection: 'x-hop', 'x-hop': '1' })
    const left: IncomingHttpHeaders = endToEndHeaders(incoming)
    expect(left).toEqual({ host: 'a', 'set-cookie': cookies })
    expect(left['set-cookie']).toBe(cookies)
    const outgoing: OutgoingHttpHeaders = {
      Connection: ['X-Hop', 'close'],
      'Content-Length': 5,
      'X-Hop': [1].map(String),
      absent: undefined,
    }
    const given: OutgoingHttpHeaders = endToEndHeaders(outgoing)
    expect(given).toEqual({ 'Content-Length': 5, absent: undefined })
    expect(endToEndHeaders({ 'content-length': 5, 'transfer-encoding': undefined })).toHaveProperty('content-length', 5)
  })

  test('field names out of JavaScript are but names', () => {
    const hostile: Record<string, string> = JSON.parse(
      '{"__proto__":"1","constructor":"2","toString":"3","connection":"constructor"}',
    )
    const left = endToEndHeaders(hostile)
    expect(Object.entries(left)).toEqual([
      ['__proto__', '1'],
      ['toString', '3'],
    ])
    expect(Object.getPrototypeOf(left)).toBe(Object.prototype)
    expect(endToEndHeaders(JSON.parse('{"__proto__":{"polluted":"yes"},"connection":"__proto__"}'))).not.toHaveProperty(
      'polluted',
    )
    expect({}).not.toHaveProperty('polluted')
    expect(endToEndHeaders(['__proto__', '1', 'hasOwnProperty', '2'])).toEqual(['__proto__', '1', 'hasOwnProperty', '2'])
    const inherited: Record<string, string> = Object.create({ 'x-inherited': '1' })
    expect(endToEndHeaders(inherited)).toEqual({})
  })

  test.each<[string, unknown]>([
    ['a fetch Headers', new Headers({ host: 'a' })],
    ['a Map', new Map([['host', 'a']])],
    ['pairs', [['host', 'a']]],
    ['half a pair', ['host']],
    ['null', null],
    ['a string', 'host: a'],
  ])('%s is refused, rather than emptied in silence', (_, headers) => {
    expect(() => Reflect.apply(endToEndHeaders, undefined, [headers])).toThrow(
      expect.objectContaining({ name: 'TypeError', code: 'HALFCLOSE_NOT_HEADERS' }),
    )
  })

  test('whatever was sent: nothing of this hop is left, nothing else is missing, and once more changes nothing', () => {
    const ofThisHop = ['connection', 'keep-alive', 'te', 'trailer', 'upgrade', 'proxy-connection', 'proxy-authorization']
    const forAll = ['host', 'authorization', 'cache-control', 'content-type', 'if-match', 'x-forwarded-for']
    const custom = fc.stringMatching(/^x-[a-c]{1,2}$/)
    const cased = fc.tuple(fc.oneof(custom, fc.constantFrom(...ofThisHop, ...forAll, '__proto__')), fc.boolean())
    const name = cased.map(([text, upper]) => (upper ? text.toUpperCase() : text))
    const pair = fc.oneof(
      fc.tuple(name, fc.string({ maxLength: 4 })),
      fc.tuple(
        fc.constantFrom('Connection', 'connection'),
        fc.array(name, { maxLength: 4 }).map((names) => names.join(' , ')),
      ),
    )
    fc.assert(
      fc.property(fc.array(pair, { maxLength: 12 }), (pairs) => {
        const lists = pairs.filter(([each]) => each.toLowerCase() === 'connection').map(([, value]) => value)
        const named = lists.flatMap((list) => list.toLowerCase().split(',')).map((element) => element.trim())
        const goes = (each: string) => ofThisHop.includes(each) || (named.includes(each) && !forAll.includes(each))
        const refused = new Set<string>()
        const left = endToEndHeaders(pairs.flat(), { onRefused: (each) => refused.add(each) })
        expect(left).toEqual(pairs.filter(([each]) => !goes(each.toLowerCase())).flat())
        expect(endToEndHeaders(left)).toEqual(left)
        expect([...refused].sort()).toEqual(forAll.filter((each) => named.includes(each)).sort())
      }),
    )
  })
})

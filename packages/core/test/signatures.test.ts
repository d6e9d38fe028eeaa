import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Server } from 'node:net'
import { quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'

// A governed response takes the calls that Node's own takes, in every form: the same bytes, the same values, the same errors. Each case is played on a bare
// server and on a governed one. Where they differ a promise asks for it, and the case says which.

type Call = readonly [method: string, ...args: unknown[]]

interface Signature {
  readonly calls: readonly Call[]
  /** The request, if it is not `GET / HTTP/1.1`. */
  readonly request?: string
  /** Why the governed server does something else. */
  readonly differs?: string
}

/** Stands for a callback, whose call is noted. */
const CALLBACK = Symbol('callback')
const TEXT = { 'Content-Type': 'text/plain' }
const HEAD = 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'
const OLD = 'GET / HTTP/1.0\r\n\r\n'

const OURS = 'the connection is the policy’s: its Connection and Keep-Alive fields are written in one place'
const BARE_204 = 'a 204 has no Content-Length (RFC 9110 §8.6)'
const UNFRAMED = 'a transfer coding that does not show its end is the last of its connection (RFC 9112 §6.3)'
const TWO_LENGTHS = 'no Content-Length beside a Transfer-Encoding (RFC 9112 §6.2)'
const SHOWN =
  'a body that does not fit its Content-Length is the last of its connection, and nothing of it runs into the next response'
const DECODED = 'Node counts what base64 and hex would decode to without looking: its own length, or chunk size, is wrong'
const NO_INTERIM = 'an HTTP/1.0 client would take an interim response for the final one (RFC 9110 §15.2)'

class Inherits {
  own = 'yes'
}
Object.assign(Inherits.prototype, { connection: 'close', 'content-length': '99' })

const signatures: Record<string, Signature> = {
  // A status, in every form.
  'a status': {
    calls: [
      ['writeHead', 200],
      ['end', 'ok'],
    ],
  },
  'a status as a string': {
    calls: [
      ['writeHead', '200'],
      ['end', 'ok'],
    ],
  },
  "'304'": { calls: [['writeHead', '304'], ['end']] },
  "'304' with a length": { calls: [['writeHead', '304', { 'Content-Length': 5 }], ['end']] },
  "'304' with a length set before": { calls: [['setHeader', 'Content-Length', 5], ['writeHead', '304'], ['end']] },
  "statusCode = '304' with a length": { calls: [['=', 'statusCode', '304'], ['setHeader', 'Content-Length', 5], ['end']] },
  "statusCode = '204'": { calls: [['=', 'statusCode', '204'], ['end']] },
  "'204' with a length": { calls: [['writeHead', '204', { 'Content-Length': 5 }], ['end']], differs: BARE_204 },
  "'204' with Transfer-Encoding": {
    calls: [['setHeader', 'Transfer-Encoding', 'chunked'], ['writeHead', '204'], ['end']],
    differs: 'a 204 has no Transfer-Encoding (RFC 9112 §6.1), and needs no end of its connection',
  },
  '204 and a body': {
    calls: [
      ['writeHead', 204],
      ['end', 'ignored'],
    ],
  },
  "'204' and a body": { calls: [['writeHead', '204'], ['write', 'ignored'], ['end']] },
  'a fraction': {
    calls: [
      ['writeHead', 200.9],
      ['end', 'ok'],
    ],
  },
  "'0x130'": { calls: [['writeHead', '0x130', { 'Content-Length': 5 }], ['end']] },
  'a status too low': {
    calls: [
      ['writeHead', 99],
      ['end', 'ok'],
    ],
  },
  'a status too high': {
    calls: [
      ['writeHead', 1_000],
      ['end', 'ok'],
    ],
  },
  'no number': {
    calls: [
      ['writeHead', 'abc'],
      ['end', 'ok'],
    ],
  },
  'null as a status': {
    calls: [
      ['writeHead', null],
      ['end', 'ok'],
    ],
  },
  'nothing as a status': { calls: [['writeHead'], ['end', 'ok']] },
  'NaN with Transfer-Encoding': {
    calls: [
      ['writeHead', Number.NaN, { 'Transfer-Encoding': 'chunked' }],
      ['end', 'ok'],
    ],
  },
  'an array as a status': {
    calls: [
      ['writeHead', [201]],
      ['end', 'ok'],
    ],
  },
  'a bad status behind a length': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['writeHead', '1204'],
      ['end', 'ok'],
    ],
  },
  'an unknown status': {
    calls: [
      ['writeHead', 799],
      ['end', 'ok'],
    ],
  },

  // null is none.
  'null for the fields': {
    calls: [
      ['writeHead', 200, null],
      ['end', 'ok'],
    ],
  },
  '204 and null': { calls: [['writeHead', 204, null], ['end']] },
  '204, a reason and null': { calls: [['writeHead', 204, 'Nothing', null], ['end']] },
  '204, undefined and fields': { calls: [['writeHead', 204, undefined, { 'X-A': '1' }], ['end']] },
  '204, null and fields': { calls: [['writeHead', 204, null, { 'X-A': '1' }], ['end']] },
  '204, null and null': { calls: [['writeHead', 204, null, null], ['end']] },
  'a reason and null': {
    calls: [
      ['writeHead', 200, 'Fine', null],
      ['end', 'ok'],
    ],
  },
  'Transfer-Encoding and null': {
    calls: [
      ['setHeader', 'Transfer-Encoding', 'chunked'],
      ['writeHead', 200, null],
      ['end', 'ok'],
    ],
  },
  'Transfer-Encoding, a reason and null': {
    calls: [
      ['setHeader', 'Transfer-Encoding', 'chunked'],
      ['writeHead', 200, 'Fine', null],
      ['end', 'ok'],
    ],
  },
  'Connection and null': {
    calls: [
      ['setHeader', 'Connection', 'close'],
      ['writeHead', 200, null],
      ['end', 'ok'],
    ],
  },
  'Connection, a reason and null': {
    calls: [
      ['setHeader', 'Connection', 'keep-alive'],
      ['writeHead', 200, 'Fine', null],
      ['end', 'ok'],
    ],
    differs: OURS,
  },
  'undefined and null': {
    calls: [
      ['writeHead', 200, undefined, null],
      ['end', 'ok'],
    ],
  },
  'undefined and fields': {
    calls: [
      ['writeHead', 200, undefined, TEXT],
      ['end', 'ok'],
    ],
  },
  'null and fields': {
    calls: [
      ['writeHead', 200, null, TEXT],
      ['end', 'ok'],
    ],
  },
  'fields and fields': {
    calls: [
      ['writeHead', 200, { 'X-A': '1' }, { 'X-B': '2' }],
      ['end', 'ok'],
    ],
  },
  'fields and null': {
    calls: [
      ['writeHead', 200, { 'X-A': '1' }, null],
      ['end', 'ok'],
    ],
  },
  'an empty reason': {
    calls: [
      ['writeHead', 200, '', TEXT],
      ['end', 'ok'],
    ],
  },
  'a reason with a line break': {
    calls: [
      ['writeHead', 200, 'O\nK', TEXT],
      ['=', 'statusMessage', 'Fine'],
      ['end', 'ok'],
    ],
  },
  'a number for the reason': { calls: [['writeHead', 204, 5], ['end']] },
  'true for the reason': { calls: [['writeHead', 204, true], ['end']] },
  'a string for the fields': { calls: [['writeHead', 204, 'Fine', 'x'], ['end']] },

  // The fields, in every form.
  'an object': {
    calls: [
      ['writeHead', 200, { 'X-A': '1', 'X-B': ['2', '3'], 'X-C': 4 }],
      ['end', 'ok'],
    ],
  },
  'an object behind fields that are set': {
    calls: [
      ['setHeader', 'X-A', '0'],
      ['writeHead', 200, { 'x-a': '1', 'X-B': ['2', '3'] }],
      ['end', 'ok'],
    ],
  },
  'an object with undefined': {
    calls: [
      ['writeHead', 200, { 'X-A': undefined }],
      ['end', 'ok'],
    ],
  },
  'an object with undefined for Connection': {
    calls: [
      ['writeHead', 200, { Connection: undefined }],
      ['end', 'ok'],
    ],
  },
  'an object with null for Connection': {
    calls: [
      ['writeHead', 200, { Connection: null }],
      ['end', 'ok'],
    ],
    differs: OURS,
  },
  'an object with undefined for Transfer-Encoding': {
    calls: [
      ['writeHead', 200, { 'Transfer-Encoding': undefined }],
      ['end', 'ok'],
    ],
  },
  'an object with null for Transfer-Encoding': {
    calls: [
      ['setHeader', 'X-A', 1],
      ['writeHead', 200, { 'Transfer-Encoding': null }],
      ['end', 'ok'],
    ],
    differs: UNFRAMED,
  },
  'an object with an empty name': {
    calls: [
      ['writeHead', 200, { '': '1' }],
      ['end', 'ok'],
    ],
  },
  'an object with a wrong name': {
    calls: [
      ['writeHead', 200, { 'X A': '1' }],
      ['end', 'ok'],
    ],
  },
  'an object with a wrong value': {
    calls: [
      ['writeHead', 200, { 'X-A': 'a\nb' }],
      ['end', 'ok'],
    ],
  },
  'an object that inherits': {
    calls: [
      ['writeHead', 200, new Inherits()],
      ['end', 'ok'],
    ],
  },
  'an object without prototype': {
    calls: [
      ['writeHead', 200, Object.assign(Object.create(null), { 'Transfer-Encoding': 'chunked' })],
      ['end', 'ok'],
    ],
  },
  Headers: {
    calls: [
      ['writeHead', 200, new Headers({ 'x-a': '1' })],
      ['end', 'ok'],
    ],
  },
  'a Map': { calls: [['writeHead', 204, new Map([['x-a', '1']])], ['end']] },
  'a flat list': {
    calls: [
      ['writeHead', 200, ['X-A', '1', 'X-A', '2']],
      ['end', 'ok'],
    ],
  },
  'a flat list behind fields that are set': {
    calls: [
      ['setHeader', 'X-A', '0'],
      ['writeHead', 200, ['X-A', '1', 'X-A', '2', 'X-B', '3']],
      ['end', 'ok'],
    ],
  },
  'a flat list with a reason': {
    calls: [
      ['writeHead', 200, 'Fine', ['X-A', '1']],
      ['end', 'ok'],
    ],
  },
  'a flat list of odd length': {
    calls: [
      ['writeHead', 200, ['X-A', '1', 'X-B']],
      ['end', 'ok'],
    ],
  },
  'a flat list of odd length behind a field': {
    calls: [
      ['setHeader', 'X-A', '0'],
      ['writeHead', 204, ['X-A', '1', 'X-B']],
      ['end', 'ok'],
    ],
  },
  'a flat list with arrays': {
    calls: [
      ['writeHead', 200, ['Set-Cookie', ['a=1', 'b=2']]],
      ['end', 'ok'],
    ],
  },
  'a flat list with Transfer-Encoding': {
    calls: [
      ['writeHead', 200, ['Transfer-Encoding', 'chunked', 'X-A', '1']],
      ['end', 'ok'],
    ],
  },
  'a flat list, 204': { calls: [['writeHead', 204, ['X-A', '1']], ['end']] },
  'a flat list that repeats Connection': {
    calls: [
      ['writeHead', 200, ['Connection', 'X-A', 'Connection', 'close', 'X-A', '1']],
      ['end', 'ok'],
    ],
    differs: OURS,
  },
  'an empty list': { calls: [['writeHead', 204, []], ['end']] },
  pairs: {
    calls: [
      [
        'writeHead',
        200,
        [
          ['X-A', '1'],
          ['X-A', '2'],
        ],
      ],
      ['end', 'ok'],
    ],
  },
  'pairs, three of them': {
    calls: [
      [
        'writeHead',
        200,
        [
          ['X-A', '1'],
          ['X-A', '2'],
          ['X-B', '3'],
        ],
      ],
      ['end', 'ok'],
    ],
  },
  'pairs behind a field, 204': {
    calls: [
      ['setHeader', 'X-A', '0'],
      [
        'writeHead',
        204,
        [
          ['X-A', '1'],
          ['X-B', '2'],
          ['X-C', '3'],
        ],
      ],
      ['end'],
    ],
  },
  'pairs with Transfer-Encoding': {
    calls: [
      ['writeHead', 200, [['Transfer-Encoding', 'chunked']]],
      ['end', 'ok'],
    ],
  },
  'pairs, 204': { calls: [['writeHead', 204, [['X-A', '1']]], ['end']] },
  'a length beside Transfer-Encoding': {
    calls: [
      ['writeHead', 200, { 'Content-Length': 2, 'Transfer-Encoding': 'chunked' }],
      ['end', 'ok'],
    ],
    differs: TWO_LENGTHS,
  },
  'keep-alive': {
    calls: [
      ['writeHead', 200, { Connection: 'keep-alive' }],
      ['end', 'ok'],
    ],
    differs: OURS,
  },
  'Connection: close': {
    calls: [
      ['writeHead', 200, { Connection: 'close' }],
      ['end', 'ok'],
    ],
  },
  'Keep-Alive of the application': {
    calls: [
      ['setHeader', 'Keep-Alive', 'timeout=99'],
      ['end', 'ok'],
    ],
    differs: OURS,
  },

  // Heads by other names, and twice.
  writeHeader: { calls: [['writeHeader', 204, null], ['end']] },
  'writeHead twice': {
    calls: [
      ['writeHead', 200, TEXT],
      ['writeHead', 500],
      ['end', 'ok'],
    ],
  },
  'writeHead behind write': {
    calls: [
      ['write', 'o'],
      ['writeHead', 500, { 'X-A': 1 }],
      ['end', 'k'],
    ],
  },
  'writeHead behind end': {
    calls: [
      ['end', 'ok'],
      ['writeHead', 500],
    ],
  },
  flushHeaders: { calls: [['setHeader', 'X-A', '1'], ['flushHeaders'], ['end', 'ok']] },
  'flushHeaders twice, with a length': {
    calls: [['setHeader', 'Content-Length', 2], ['flushHeaders'], ['flushHeaders'], ['end', 'ok']],
  },
  'setHeaders of a Map': {
    calls: [
      ['setHeaders', new Map([['X-A', '1']])],
      ['end', 'ok'],
    ],
  },
  'setHeaders of Headers': {
    calls: [
      ['setHeaders', new Headers({ 'x-a': '1', 'transfer-encoding': 'chunked' })],
      ['writeHead', 200, null],
      ['end', 'ok'],
    ],
  },
  'setHeaders of an object': {
    calls: [
      ['setHeaders', { 'X-A': '1' }],
      ['end', 'ok'],
    ],
  },
  'setHeaders of null': {
    calls: [
      ['setHeaders', null],
      ['end', 'ok'],
    ],
  },
  'setHeaders behind the head': { calls: [['flushHeaders'], ['setHeaders', new Map([['X-A', '1']])], ['end', 'ok']] },
  appendHeader: {
    calls: [
      ['appendHeader', 'X-A', '1'],
      ['appendHeader', 'X-A', ['2', '3']],
      ['end', 'ok'],
    ],
  },
  'appendHeader of Transfer-Encoding': {
    calls: [
      ['appendHeader', 'Transfer-Encoding', 'gzip'],
      ['appendHeader', 'Transfer-Encoding', 'chunked'],
      ['writeHead', 200, null],
      ['end', 'ok'],
    ],
  },
  'appendHeader without a value': {
    calls: [
      ['appendHeader', 'X-A'],
      ['end', 'ok'],
    ],
  },
  'appendHeader behind the head': { calls: [['flushHeaders'], ['appendHeader', 'X-A', '1'], ['end', 'ok']] },
  'setHeader with an array': {
    calls: [
      ['setHeader', 'X-A', ['1', '2']],
      ['end', 'ok'],
    ],
  },
  'setHeader of an array for Content-Length': {
    calls: [
      ['setHeader', 'Content-Length', ['2']],
      ['end', 'ok'],
    ],
  },
  'setHeader with no value': {
    calls: [
      ['setHeader', 'X-A'],
      ['end', 'ok'],
    ],
  },
  'setHeader with a wrong name': {
    calls: [
      ['setHeader', 'X A', 1],
      ['end', 'ok'],
    ],
  },
  'removeHeader of Content-Length': {
    calls: [
      ['setHeader', 'Content-Length', 9],
      ['removeHeader', 'Content-Length'],
      ['end', 'ok'],
    ],
  },
  'removeHeader of Date': {
    calls: [
      ['removeHeader', 'Date'],
      ['end', 'ok'],
    ],
  },
  writeEarlyHints: {
    calls: [
      ['writeEarlyHints', { link: '</a>; rel=preload' }],
      ['end', 'ok'],
    ],
  },
  'writeEarlyHints with a callback': {
    calls: [
      ['writeEarlyHints', { link: '</a>; rel=preload', 'x-a': '1' }, CALLBACK],
      ['end', 'ok'],
    ],
  },
  'writeEarlyHints of nothing': {
    calls: [
      ['writeEarlyHints', {}],
      ['end', 'ok'],
    ],
  },
  'writeEarlyHints of null': {
    calls: [
      ['writeEarlyHints', null],
      ['end', 'ok'],
    ],
  },
  'writeEarlyHints of a wrong link': {
    calls: [
      ['writeEarlyHints', { link: 'no' }],
      ['end', 'ok'],
    ],
  },
  'writeEarlyHints behind the head': {
    calls: [['flushHeaders'], ['writeEarlyHints', { link: '</a>; rel=preload' }], ['end', 'ok']],
  },
  writeContinue: {
    calls: [
      ['writeContinue', CALLBACK],
      ['end', 'ok'],
    ],
  },
  writeProcessing: {
    calls: [
      ['writeProcessing', CALLBACK],
      ['end', 'ok'],
    ],
  },
  'writeProcessing towards HTTP/1.0': {
    request: OLD,
    calls: [
      ['writeProcessing', CALLBACK],
      ['writeContinue', CALLBACK],
      ['end', 'ok'],
    ],
    differs: NO_INTERIM,
  },
  addTrailers: { calls: [['writeHead', 200, { Trailer: 'X-T' }], ['write', 'ok'], ['addTrailers', { 'X-T': '1' }], ['end']] },

  // write
  'write of a string': { calls: [['write', 'ok'], ['end']] },
  'write of bytes': { calls: [['write', Buffer.from('o')], ['write', new Uint8Array([107])], ['end']] },
  'write of nothing': { calls: [['write'], ['end', 'ok']] },
  'write of null': {
    calls: [
      ['write', null],
      ['end', 'ok'],
    ],
  },
  'write of a number': {
    calls: [
      ['write', 5],
      ['end', 'ok'],
    ],
  },
  'write of an ArrayBuffer': {
    calls: [
      ['write', new ArrayBuffer(2)],
      ['end', 'ok'],
    ],
  },
  'write of an empty string': {
    calls: [
      ['write', ''],
      ['end', 'ok'],
    ],
  },
  'write of an empty string with a length': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['write', ''],
      ['end', 'ok'],
    ],
  },
  'write with a callback': { calls: [['write', 'ok', CALLBACK], ['end']] },
  'write with an encoding and a callback': { calls: [['write', 'é', 'latin1', CALLBACK], ['end']] },
  'write with a length, an encoding and a callback': {
    calls: [['setHeader', 'Content-Length', 1], ['write', 'é', 'latin1', CALLBACK], ['end']],
  },
  'write with null for the encoding': { calls: [['write', 'é', null, CALLBACK], ['end']] },
  'write with an unknown encoding': { calls: [['write', 'ok', 'nonsense'], ['end']] },
  'write behind end': {
    calls: [
      ['end', 'ok'],
      ['write', 'more', CALLBACK],
    ],
  },
  'write behind end, with a length': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['end', 'ok'],
      ['write', 'more', CALLBACK],
    ],
  },
  'write of null behind end': {
    calls: [
      ['end', 'ok'],
      ['write', null],
    ],
  },
  'write behind destroy': { calls: [['destroy'], ['write', 'more', CALLBACK]] },
  'write to HEAD': { request: HEAD, calls: [['setHeader', 'Content-Length', 2], ['write', 'ok'], ['end']] },
  'write beyond the length': { calls: [['setHeader', 'Content-Length', 2], ['write', 'okay'], ['end']], differs: SHOWN },
  'write in utf16le': { calls: [['setHeader', 'Content-Length', 4], ['write', 'ok', 'utf16le'], ['end']] },
  'write in UCS-2': { calls: [['write', 'ok', 'UCS-2'], ['end']] },

  // end
  'end of a string': { calls: [['end', 'ok']] },
  'end of nothing': { calls: [['end']] },
  'end of null': { calls: [['end', null]] },
  'end of undefined with a callback': { calls: [['end', undefined, CALLBACK]] },
  'end of null with an encoding and a callback': { calls: [['end', null, 'utf8', CALLBACK]] },
  'end with a callback': { calls: [['end', CALLBACK]] },
  'end of a string with a callback': { calls: [['end', 'ok', CALLBACK]] },
  'end of a string with a length and a callback': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['end', 'ok', CALLBACK],
    ],
  },
  'end of a string in latin1': { calls: [['end', 'é', 'latin1', CALLBACK]] },
  'end of a string in latin1 with its length': {
    calls: [
      ['setHeader', 'Content-Length', 1],
      ['end', 'é', 'latin1'],
    ],
  },
  'end of a string in utf16le with its length': {
    calls: [
      ['setHeader', 'Content-Length', 4],
      ['end', 'ok', 'utf16le'],
    ],
  },
  'end of a number': { calls: [['end', 5]] },
  'end of a number with a length': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['end', 5],
      ['end', 'ok'],
    ],
  },
  'end of an object': {
    calls: [
      ['end', {}],
      ['end', 'ok'],
    ],
  },
  'end of bytes': { calls: [['end', new Uint8Array([111, 107])]] },
  'end of an empty string': { calls: [['end', '']] },
  'end of zero': { calls: [['end', 0]] },
  'end twice': {
    calls: [
      ['end', 'ok', CALLBACK],
      ['end', CALLBACK],
    ],
  },
  'end twice with a body': {
    calls: [
      ['end', 'ok'],
      ['end', 'more', CALLBACK],
    ],
  },
  'end twice with a body and a length': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['end', 'ok'],
      ['end', 'more', CALLBACK],
    ],
  },
  'end behind destroy': { calls: [['destroy'], ['end', 'more', CALLBACK]] },
  'end with an unknown encoding': {
    calls: [
      ['setHeader', 'X-A', 1],
      ['end', 'ok', 'nonsense'],
    ],
  },
  'end of a HEAD with a length': { request: HEAD, calls: [['writeHead', 200, { 'Content-Length': 9 }], ['end']] },
  'end of a HEAD with a body': { request: HEAD, calls: [['end', 'ok']] },
  'end short of the length': {
    calls: [
      ['setHeader', 'Content-Length', 9],
      ['end', 'ok'],
    ],
    differs: SHOWN,
  },
  'end of base64': { calls: [['end', 'b2s=', 'base64']] },
  'end of base64 with its length': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['end', 'b2s=', 'base64'],
    ],
  },
  'end of base64 in lines': { calls: [['end', 'b2\ns=\n', 'base64']], differs: DECODED },
  'write of base64 in lines': { calls: [['write', 'b2\ns=\n', 'base64'], ['end']], differs: DECODED },
  'end of base64 in lines with its length': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['end', 'b2\ns=\n', 'base64'],
    ],
  },
  'write of base64 in lines with its length': {
    calls: [['setHeader', 'Content-Length', 2], ['write', 'b2\ns=\n', 'base64'], ['end']],
  },
  'end of base64url': { calls: [['end', 'b2s', 'base64url']] },
  'end of hex': { calls: [['end', '6f6b', 'hex']] },
  'end of hex in capitals, with its length': {
    calls: [
      ['setHeader', 'Content-Length', 2],
      ['end', '6F6B', 'HEX'],
    ],
  },
  'end of hex that is none': { calls: [['end', '6fzzzz', 'hex']], differs: DECODED },
  'end of hex that is none, with its length': {
    calls: [
      ['setHeader', 'Content-Length', 1],
      ['end', '6fzzzz', 'hex'],
    ],
  },
}

function play({ calls }: Signature, res: ServerResponse): string[] {
  const noted: string[] = []
  res.on('error', (error) => noted.push(`'error' ${codeOf(error)}`))
  for (const [index, [method, ...given]] of [...calls, ['end?']].entries()) {
    const note = (what: string) => noted.push(`${method} ${index}: ${what}`)
    const args = given.map((arg) => (arg === CALLBACK ? (error?: unknown) => note(`called back ${codeOf(error)}`) : arg))
    try {
      if (method === '=') Reflect.set(res, String(args[0]), args[1])
      else if (method !== 'end?') note(resultOf(Reflect.apply(Reflect.get(res, String(method)), res, args), res))
      else if (!res.writableEnded && !res.destroyed) res.end()
    } catch (error) {
      note(`threw ${codeOf(error)} ${error instanceof Error ? error.message : ''}`)
    }
  }
  return noted
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.name} ${'code' in error ? error.code : ''}`
}

function resultOf(value: unknown, res: ServerResponse): string {
  return value === res ? 'the response' : String(value)
}

/** What a server does with each signature: the bytes on the wire to the end of the connection, and what the application saw. */
async function played(server: Server, name: string, { request }: Signature, noted: Map<string, string[]>) {
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen')
  const socket = connect({ port: address.port, host: '127.0.0.1' })
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk
  })
  // What comes behind shows where the answer ends, and whether the connection goes on. A field tells the server which signature it is.
  const first = request ?? 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  socket.write(first.replace('\r\n\r\n', `\r\nX-Signature: ${encodeURIComponent(name)}\r\n\r\n`))
  socket.write('GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  socket.on('error', () => {})
  const closed = once(socket, 'close').catch(() => {})
  await within(closed, () => `the end of ${name}: ${text}`, 10_000)
  return { text: text.replace(/(Date: )[^\r]+/g, '$1…'), noted: noted.get(name) ?? [] }
}

function serverWith(noted: Map<string, string[]>): Server & ReturnType<typeof createServer> {
  return createServer((req: IncomingMessage, res: ServerResponse) => {
    const name = decodeURIComponent(String(req.headers['x-signature'] ?? ''))
    const signature = signatures[name]
    if (signature === undefined) res.end('next')
    else noted.set(name, play(signature, res))
  })
}

const bareNoted = new Map<string, string[]>()
const governedNoted = new Map<string, string[]>()
const bare = serverWith(bareNoted)
const governed = serverWith(governedNoted)

beforeAll(async () => {
  attach(governed, { drain: 'fast', logger: quiet })
  for (const server of [bare, governed]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
})

afterAll(async () => {
  for (const server of [bare, governed]) {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
})

test.each(Object.entries(signatures))('%s', async (name, signature) => {
  const [expected, found] = await Promise.all([
    played(bare, name, signature, bareNoted),
    played(governed, name, signature, governedNoted),
  ])
  if (signature.differs === undefined) expect(found).toEqual(expected)
  else expect(found).not.toEqual(expected)
})

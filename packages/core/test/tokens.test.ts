import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isToken, parseConnection } from '../src/http/tokens.js'

describe('parseConnection (RFC 9110 §7.6.1)', () => {
  test.each<[string | string[] | undefined, boolean, boolean, string[]]>([
    [undefined, false, false, []],
    ['', false, false, []],
    [[], false, false, []],
    ['close', true, false, ['close']],
    ['Close', true, false, ['close']],
    ['CLOSE', true, false, ['close']],
    ['keep-alive', false, true, ['keep-alive']],
    ['Keep-Alive', false, true, ['keep-alive']],
    ['kEEP-aLIVE', false, true, ['keep-alive']],
    ['keep-alive, Close', true, true, ['keep-alive', 'close']],
    ['close,keep-alive', true, true, ['close', 'keep-alive']],
    ['TE, close', true, false, ['te', 'close']],
    ['close, TE', true, false, ['close', 'te']],
    ['x-hop,\tclose\t,y', true, false, ['x-hop', 'close', 'y']],
    [' \t close \t ', true, false, ['close']],
    [',, ,close,,', true, false, ['close']],
    [', \t ,', false, false, []],
    [['keep-alive', 'close'], true, true, ['keep-alive', 'close']],
    [['TE, Close'], true, false, ['te', 'close']],
    ['Upgrade', false, false, ['upgrade']],
    ['not-close', false, false, ['not-close']],
    ['close-ish', false, false, ['close-ish']],
    ['close ish', false, false, ['close ish']],
    ['close;q=1', false, false, ['close;q=1']],
    ['"close"', false, false, ['"close"']],
    ['"a, close"', false, false, ['"a', 'close"']],
    ['closed', false, false, ['closed']],
    ['keepalive', false, false, ['keepalive']],
    ['\u00a0close', false, false, ['\u00a0close']],
    ['close\v', false, false, ['close\v']],
  ])('%j', (value, close, keepAlive, options) => {
    expect(parseConnection(value)).toEqual({ close, keepAlive, options })
  })

  test('what nearly every request says costs no allocation', () => {
    for (const value of [undefined, 'close', 'Close', 'keep-alive', 'Keep-Alive']) {
      expect(parseConnection(value)).toBe(parseConnection(value))
    }
  })

  test('results are frozen: they may be shared', () => {
    for (const value of [undefined, 'close', 'keep-alive', 'a, b']) {
      const field = parseConnection(value)
      expect(Object.isFrozen(field)).toBe(true)
      expect(Object.isFrozen(field.options)).toBe(true)
    }
  })

  test('case, order, whitespace, empty elements and the number of fields change nothing', () => {
    const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
    const option = fc.oneof(token, fc.constantFrom('close', 'Close', 'keep-alive', 'KEEP-ALIVE'))
    const ows = fc.stringMatching(/^[ \t]{0,3}$/)
    const element = fc.tuple(ows, fc.option(option, { nil: '' }), ows)
    fc.assert(
      fc.property(fc.array(element), (elements) => {
        const expected = elements.map(([, name]) => name.toLowerCase()).filter((name) => name !== '')
        const parts = elements.map((part) => part.join(''))
        for (const value of [parts, parts.join(',')]) {
          expect(parseConnection(value)).toEqual({
            close: expected.includes('close'),
            keepAlive: expected.includes('keep-alive'),
            options: expected,
          })
        }
      }),
    )
  })

  test('no string makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => parseConnection(value).options.every((option) => option !== '')),
    )
  })
})

describe('isToken (RFC 9110 §5.6.2)', () => {
  test('exactly tchar', () => {
    const tchar = new Set("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    for (let code = 0; code < 0x300; code++) {
      const char = String.fromCharCode(code)
      expect([code, isToken(char)]).toEqual([code, tchar.has(char)])
    }
  })

  test.each(['', ' ', 'a b', 'a\n', '\na', 'a,b', 'a=b', '"a"', 'ä'])('%j is none', (text) => {
    expect(isToken(text)).toBe(false)
  })

  test.each(['a1', 'X-Pod_0', '1.5', '-1', '__proto__'])('%j is one', (text) => {
    expect(isToken(text)).toBe(true)
  })
})

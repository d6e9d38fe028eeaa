import { inspect } from 'node:util'
import { expect, describe as group, test } from '@jest/globals'
import {
  describe,
  HalfcloseRangeError,
  HalfcloseTypeError,
  optionRangeError,
  optionTypeError,
  quote,
} from '../src/errors/errors.js'

group('errors', () => {
  test.each([
    [new HalfcloseTypeError('HALFCLOSE_NOT_A_SERVER', 'halfclose: no server'), TypeError, 'TypeError'],
    [new HalfcloseRangeError('HALFCLOSE_ALREADY_ATTACHED', 'halfclose: twice'), RangeError, 'RangeError'],
  ])('%s is the real thing, with a code and nothing about an option', (error, type, name) => {
    expect(error).toBeInstanceOf(type)
    expect(error.name).toBe(name)
    expect(error.stack).toContain(`${name}: ${error.message}`)
    expect(error.code).toMatch(/^HALFCLOSE_/)
    expect(error.path).toBeUndefined()
    expect(error.value).toBeUndefined()
    expect(Object.keys(error)).toEqual(['code'])
  })

  test('an option error has path, rule and value', () => {
    const error = optionRangeError('keepAlive.hold', 'at least timeout + 1_000 (6000 ms)', 3000)
    expect(error).toBeInstanceOf(RangeError)
    expect(error).toMatchObject({ code: 'HALFCLOSE_OPTION_RANGE', path: 'keepAlive.hold', value: 3000 })
    expect(error.message).toBe('halfclose: option `keepAlive.hold` must be at least timeout + 1_000 (6000 ms), got 3000 (number)')
  })

  test('the options as a whole have the empty path', () => {
    const error = optionTypeError('', 'an object', null)
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'HALFCLOSE_OPTION_TYPE', path: '', value: null })
    expect(error.message).toBe('halfclose: options must be an object, got null')
  })

  test('an uncaught error does not print the value, which may be a whole application', () => {
    const error = optionTypeError('logger', 'a logger', { password: 'hunter2' })
    expect(error.value).toEqual({ password: 'hunter2' })
    expect(inspect(error)).not.toContain('hunter2')
    expect(inspect(error)).toContain("code: 'HALFCLOSE_OPTION_TYPE'")
    expect(inspect(error)).toContain("path: 'logger'")
  })
})

group('describe', () => {
  class Thing {}
  test.each<[unknown, string]>([
    [3000, '3000 (number)'],
    [Number.NaN, 'NaN (number)'],
    [Number.POSITIVE_INFINITY, 'Infinity (number)'],
    ['65', '"65" (string)'],
    ['', '"" (string)'],
    ['a\r\nb', '"a\\r\\nb" (string)'],
    [true, 'true (boolean)'],
    [10n, '10 (bigint)'],
    [Symbol('s'), 'Symbol(s) (symbol)'],
    [undefined, 'undefined'],
    [null, 'null'],
    [[1], 'an array'],
    [() => 1, 'a function'],
    [{ secret: 1 }, 'an object'],
    [Object.create(null), 'an object'],
    [{ constructor: 1 }, 'an object'],
    [{ constructor: { name: 'x' } }, 'an object'],
    [new Map(), 'an instance of Map'],
    [new Thing(), 'an instance of Thing'],
    [new (class {})(), 'an object'],
  ])('%p: %s', (value, text) => {
    expect(describe(value)).toBe(text)
  })

  test('stays short', () => {
    expect(describe('x'.repeat(1e6)).length).toBeLessThan(80)
    expect(describe(10n ** 1000n).length).toBeLessThan(80)
    expect(quote('x'.repeat(1e6)).length).toBeLessThan(80)
  })
})

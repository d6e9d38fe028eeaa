/** A Connection field, parsed. */
export interface ConnectionField {
  readonly close: boolean
  readonly keepAlive: boolean
  /** Every option in lower case, `close` and `keep-alive` included. */
  readonly options: readonly string[]
}

const NOTHING = field([])
const CLOSE = field(['close'])
const KEEP_ALIVE = field(['keep-alive'])

/** A token: RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/**
 * Reads a Connection field (RFC 9110 §7.6.1): a list in any case and order, whose empty elements mean nothing. Only a whole option counts:
 * `not-close` is not `close`. The results are shared and frozen, since nearly every request has one of three values.
 */
export function parseConnection(value: string | readonly string[] | undefined): ConnectionField {
  switch (value) {
    case undefined:
    case '':
      return NOTHING
    case 'keep-alive':
    case 'Keep-Alive':
      return KEEP_ALIVE
    case 'close':
    case 'Close':
      return CLOSE
  }
  // Several fields of one name are one list (RFC 9110 §5.3).
  const list = typeof value === 'string' ? value : value.join()
  const options: string[] = []
  for (const element of list.toLowerCase().split(',')) {
    const option = trimOws(element)
    if (option !== '') options.push(option)
  }
  return field(options)
}

function field(options: string[]): ConnectionField {
  return Object.freeze({
    close: options.includes('close'),
    keepAlive: options.includes('keep-alive'),
    options: Object.freeze(options),
  })
}

/** Not `trim()`: that also removes U+00A0 and others, which belong to the value here and are no whitespace (RFC 9110 §5.6.3). */
function trimOws(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isOws(text.charCodeAt(start))) start++
  while (end > start && isOws(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09
}

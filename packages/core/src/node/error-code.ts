/** The code of an error, e.g. `'ECONNRESET'`; `''`: it has none. */
export function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

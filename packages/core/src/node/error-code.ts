/** The code of the error that Node reports for a request that took too long to arrive. */
export const REQUEST_TIMEOUT = 'ERR_HTTP_REQUEST_TIMEOUT'

/** The code of an error, e.g. `'ECONNRESET'`; `''`: it has none. */
export function errorCode(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}

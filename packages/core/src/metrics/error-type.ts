import type { CloseEvent } from '../events/types.js'

/**
 * `error.type` of a connection that failed, in the terms of Kestrel's metrics; `undefined`: it did not fail. An idle close, a drain and a limit of
 * age or requests are no failures.
 */
export function errorTypeOf({ reason, inFlight, reset }: CloseEvent): string | undefined {
  switch (reason) {
    case 'error':
      return 'invalid_request'
    case 'timeout':
    case 'half-closed':
      return 'server_timeout'
    case 'stalled':
      return 'min_response_data_rate'
    case 'flood':
      return 'stream_reset_limit_exceeded'
    case 'content-length':
      return 'aborted_by_app'
    case 'limit':
      return 'max_concurrent_connections_exceeded'
    case 'upgraded':
      return undefined
  }
  if (!inFlight) return undefined
  if (reset || reason === 'peer') return 'connection_reset'
  if (reason === 'deadline' || reason === 'draining') return 'app_shutdown_timeout'
  return reason === 'client-close' ? 'connection_reset' : 'aborted_by_app'
}

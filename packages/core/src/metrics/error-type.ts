import type { CloseEvent } from '../events/types.js'

/** OpenTelemetry's word for a failure that has none of its own. */
export const OTHER = '_OTHER'

/** `error.type` of a connection that failed, in Kestrel's words for its `kestrel.connection.duration`. */
export type ErrorType =
  | 'aborted_by_app'
  | 'app_shutdown_timeout'
  | 'connection_reset'
  | 'invalid_request_headers'
  | 'invalid_request_line'
  | 'max_concurrent_connections_exceeded'
  | 'max_request_headers_total_size_exceeded'
  | 'min_request_body_data_rate'
  | 'min_response_data_rate'
  | 'other_error'
  | 'request_headers_timeout'
  | 'response_content_length_mismatch'
  | 'server_timeout'
  | 'stream_reset_limit_exceeded'
  | 'unexpected_end_of_request_content'

/**
 * The `error.type` of a connection, or `undefined` if it did not fail. A close while it was idle or silent, a drain and a limit of age or requests are no
 * failures.
 */
export function errorTypeOf(event: CloseEvent): ErrorType | undefined {
  const { reason, first, state, request, inFlight, reset, promise } = event
  switch (reason) {
    case 'error':
      return state === 'silent' ? undefined : refusal(event)
    case 'timeout':
      return state === 'idle' || state === 'silent' ? undefined : 'server_timeout'
    case 'stalled':
      return request === 'receiving' ? 'min_request_body_data_rate' : 'min_response_data_rate'
    case 'flood':
      return 'stream_reset_limit_exceeded'
    case 'content-length':
      return 'response_content_length_mismatch'
    case 'half-closed':
      return 'connection_reset'
    case 'limit':
      // An idle one was closed by `limits.idle`, or by a bound of the output-first close.
      return state === 'idle' || promise !== 'none' ? undefined : 'max_concurrent_connections_exceeded'
    case 'deadline':
      return inFlight ? 'app_shutdown_timeout' : undefined
  }
  if (!inFlight) return undefined
  const isPeers = reason === 'peer' || (first === 'peer' && (reset || reason === 'client-close'))
  return isPeers ? 'connection_reset' : 'aborted_by_app'
}

/** What was wrong with a request that no application answers, by the code of Node's parser. */
function refusal({ protocol, code = '', request }: CloseEvent): ErrorType {
  if (protocol === '2') return 'other_error'
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return request === undefined ? 'request_headers_timeout' : 'min_request_body_data_rate'
  if (code === 'HPE_INVALID_EOF_STATE') return 'unexpected_end_of_request_content'
  if (code === 'HPE_HEADER_OVERFLOW') return 'max_request_headers_total_size_exceeded'
  if (/^HPE_(?:INVALID_(?:METHOD|URL|VERSION|CONSTANT)|PAUSED_H2_UPGRADE)$/.test(code)) return 'invalid_request_line'
  return /_(?:HEADER_TOKEN|CONTENT_LENGTH|TRANSFER_ENCODING|EXPECTED)$/.test(code) ? 'invalid_request_headers' : 'other_error'
}

/**
 * The codes of what is thrown, part of the public interface; docs/codes.md says of each when it comes and what to do.
 * The set may grow in minor versions.
 */
export type ErrorCode =
  | 'HALFCLOSE_ALREADY_ATTACHED'
  | 'HALFCLOSE_ALREADY_REGISTERED'
  | 'HALFCLOSE_EVENT_UNKNOWN'
  | 'HALFCLOSE_NOT_AN_APP'
  | 'HALFCLOSE_NOT_A_SERVER'
  | 'HALFCLOSE_NOT_HEADERS'
  | 'HALFCLOSE_NOT_PRIMARY'
  | 'HALFCLOSE_OPTION_RANGE'
  | 'HALFCLOSE_OPTION_TYPE'
  | 'HALFCLOSE_OPTION_UNKNOWN'
  | 'HALFCLOSE_UNSUPPORTED_RUNTIME'
  | 'HALFCLOSE_WORKER_NOT_LISTENING'

/** The codes of warnings, part of the public interface; docs/codes.md has them too. The set may grow in minor versions. */
export type WarningCode =
  | 'HALFCLOSE_CLOSE_FAILED'
  | 'HALFCLOSE_CONTENT_LENGTH'
  | 'HALFCLOSE_DEADLINE_WITHIN_DELAY'
  | 'HALFCLOSE_DRAIN_CUT'
  | 'HALFCLOSE_DRAIN_HELD'
  | 'HALFCLOSE_HOLD_BELOW_PROXY'
  | 'HALFCLOSE_OPTION_SECONDS'
  | 'HALFCLOSE_PROMISE_NOT_ADVERTISED'
  | 'HALFCLOSE_READINESS_WITHOUT_DELAY'
  | 'HALFCLOSE_SERVER_NOT_GOVERNED'
  | 'HALFCLOSE_UNSEEN_CONNECTIONS'

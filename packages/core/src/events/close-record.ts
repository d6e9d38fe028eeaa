import type { CloseEvent, ConnectionState, RequestStage } from './types.js'

/** The part of a connection's end that can be seen only while it ends. It is recorded only where there is a listener for closes. */
export interface CloseRecord {
  /** The state in which the connection began to end. */
  state: ConnectionState
  /** The stage of the request that the end breaks off. */
  request: RequestStage | undefined
  promise: CloseEvent['promise']
  isReset: boolean
  code: string | undefined
  tls: string | false
  bytes: CloseEvent['bytes']
}

export function newCloseRecord(
  state: ConnectionState,
  request: RequestStage | undefined,
  promise: CloseRecord['promise'],
): CloseRecord {
  return { state, request, promise, isReset: false, code: undefined, tls: false, bytes: { read: 0, written: 0 } }
}

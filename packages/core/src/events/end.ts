import type { CloseEvent, ConnectionState, RequestStage } from './types.js'

/** What of a connection's end can be seen only while it ends. It is noted where somebody listens for closes, and not otherwise. */
export interface End {
  /** The state in which it began to end. */
  state: ConnectionState
  /** Where the request was that it breaks off. */
  request: RequestStage | undefined
  promise: CloseEvent['promise']
  isReset: boolean
  code: string | undefined
  tls: string | false
  bytes: CloseEvent['bytes']
}

export function beginEnd(state: ConnectionState, request: RequestStage | undefined, promise: End['promise']): End {
  return { state, request, promise, isReset: false, code: undefined, tls: false, bytes: { read: 0, written: 0 } }
}

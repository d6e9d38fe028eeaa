/** The channel between the coordinators of a process's threads. The application's own messages never pass it. */
export const CHANNEL = 'halfclose.signals'

/** What a worker thread tells the main thread. A thread may hold a copy of another version: fields may be added, but never changed. */
export type ThreadMessage =
  | { readonly from: 'thread'; readonly thread: number; readonly what: 'join'; readonly reasons: readonly string[] }
  | { readonly from: 'thread'; readonly thread: number; readonly what: 'left'; readonly code: number }
  /** The thread is alive; or none of its servers is governed any more. */
  | { readonly from: 'thread'; readonly thread: number; readonly what: 'pong' | 'gone' }

/** What the main thread tells a worker thread; `thread` 0: all of them. */
export type MainMessage =
  | { readonly from: 'main'; readonly thread: number; readonly what: 'here' | 'welcome' | 'ping' }
  /** `others`: how many other listeners the signal has in the main thread. */
  | { readonly from: 'main'; readonly thread: number; readonly what: 'leave'; readonly reason: string; readonly others: number }

export function isFromThread(message: unknown): message is ThreadMessage {
  return isOurs(message) && message.from === 'thread'
}

export function isFromMain(message: unknown): message is MainMessage {
  return isOurs(message) && message.from === 'main'
}

function isOurs(message: unknown): message is { from: unknown } {
  return typeof message === 'object' && message !== null && 'from' in message && 'thread' in message && 'what' in message
}

import type { Events } from '../events/events.js'
import { clearTimeout, setTimeout } from '../node/real-timers.js'

/** Milliseconds until a drain logs what holds it up, and between two such lines. */
const FIRST = 2_000
const NEXT = 5_000

/** Logs what holds a drain up: after 2 s, then every 5 s; without a logger only once. Returns a function that stops it. */
export function tellProgress(events: Events, look: () => { readonly isEmpty: boolean; readonly line: string }): () => void {
  const next = () => {
    timer = setTimeout(next, NEXT).unref()
    events.attempt(() => events.info({}, look().line))
  }
  const first = () => {
    timer = setTimeout(next, NEXT).unref()
    events.attempt(() => {
      const { isEmpty, line } = look()
      if (!isEmpty) events.infoOrWarn('HALFCLOSE_DRAIN_HELD', line)
    })
  }
  let timer = setTimeout(first, FIRST).unref()
  return () => clearTimeout(timer)
}

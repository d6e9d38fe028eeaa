/** What became of each connection of a deploy, as its client saw it: when it had requests, which of them were lost, and when it ended. */
import { renderDrain } from '@halfclose/core/view'
import { lostIn } from './tally.mjs'

/** Lanes that are kept, and that a record shows of them. */
const KEPT = 5_000
const SHOWN = 60
/** Milliseconds before the first signal and behind the last restart that a record shows. */
const AROUND = 2_000

/** @typedef {import('./connection.mjs').Connection | import('./session.mjs').Session} Connection */
/** Times are milliseconds since 1970. @typedef {{ openedAt: number, port: number | undefined, text: string, busy: [number, number][], lost: { at: number, text: string }[], end: { at: number, text: string } | undefined }} Lane */

/** In the process of the clients. */
export class Lanes {
  /** @type {Map<Connection, Lane>} */
  #open = new Map()
  /** @type {Map<Connection, number>} */
  #inFlight = new Map()
  /** @type {Lane[]} */
  all = []

  /** @param {Connection} connection */
  #of(connection) {
    const known = this.#open.get(connection)
    if (known) return known
    const lane = /** @type {Lane} */ ({
      openedAt: connection.openedAt,
      port: undefined,
      text: '',
      busy: [],
      lost: [],
      end: undefined,
    })
    this.#open.set(connection, lane)
    if (this.all.length < KEPT) this.all.push(lane)
    return lane
  }

  /** A request is sent. @param {Connection} connection @param {string} name */
  sent(connection, name) {
    const lane = this.#of(connection)
    const inFlight = this.#inFlight.get(connection) ?? 0
    this.#inFlight.set(connection, inFlight + 1)
    lane.text = name
    if (inFlight === 0) lane.busy.push([Date.now(), Number.POSITIVE_INFINITY])
  }

  /** It was answered, or lost. @param {Connection} connection @param {string} name @param {{ cause: string, seen: string } | undefined} loss */
  over(connection, name, loss) {
    const lane = this.#of(connection)
    const left = (this.#inFlight.get(connection) ?? 1) - 1
    this.#inFlight.set(connection, left)
    const now = Date.now()
    const last = lane.busy.at(-1)
    if (left === 0 && last) last[1] = now
    lane.port = connection.localPort
    if (loss) lane.lost.push({ at: now, text: `${name}: ${loss.cause} (${loss.seen})` })
    const isClosed = 'closed' in connection ? connection.closed : !connection.usable
    if (isClosed && left === 0) this.ended(connection, loss ? loss.cause : 'closed behind its last answer')
  }

  /** @param {Connection} connection @param {string} text */
  ended(connection, text) {
    const lane = this.#open.get(connection)
    if (!lane) return
    lane.end = { at: Date.now(), text }
    this.#open.delete(connection)
    this.#inFlight.delete(connection)
  }
}

/**
 * The record of a deploy: its connections around the restarts, those that lost a request first.
 * @param {import('./deploy.mjs').Deploy} deploy
 * @returns {import('@halfclose/core/view').DrainRecord}
 */
function recordOf({ framework, policy, tally, signals, lanes, restarts }) {
  const began = Math.min(...signals) - AROUND
  const until = Math.max(...signals.map((at, n) => at + (restarts[n]?.ms ?? 0))) + AROUND
  const shown = lanes.filter(({ openedAt, end }) => openedAt < until && (end?.at ?? until) > began)
  /** @param {number} at */
  const since = (at) => Math.round(Math.min(Math.max(at, began), until) - began)
  const sorted = shown
    .map((lane) => ({ ...lane, lost: lane.lost.filter(({ at }) => at > began && at < until) }))
    .sort((a, b) => b.lost.length - a.lost.length || a.openedAt - b.openedAt)
  const restarted = `${restarts.length} ${restarts.length === 1 ? 'restart' : 'restarts'}`
  return {
    title: `${framework}, ${policy === 'bare' ? 'as it comes' : 'with halfclose'}`,
    summary: `${restarted}, ${tally.sent} requests sent, ${lostIn(tally)} lost`,
    began,
    ms: until - began,
    marks: signals.map((at) => ({ at: since(at), text: 'SIGTERM' })),
    lanes: sorted.slice(0, SHOWN).map(({ openedAt, port, text, busy, lost, end }, id) => ({
      id,
      remote: `port ${port ?? '?'}`,
      text: lost[0]?.text ?? text,
      spans: spansOf(busy, openedAt, end?.at ?? until)
        .map(([from, to, state]) => /** @type {const} */ ([since(from), since(to), state]))
        .filter(([from, to]) => to > from),
      end: end && end.at < until ? { at: since(end.at), text: end.text } : undefined,
      lost: lost.map(({ at, text: what }) => ({ at: since(at), text: what })),
    })),
    more: Math.max(0, sorted.length - SHOWN),
  }
}

/**
 * Between two requests it was idle.
 * @param {[number, number][]} busy @param {number} openedAt @param {number} end
 * @returns {[number, number, 'busy' | 'idle' | 'silent'][]}
 */
function spansOf(busy, openedAt, end) {
  /** @type {[number, number, 'busy' | 'idle' | 'silent'][]} */
  const spans = []
  let at = openedAt
  for (const [from, to] of busy) {
    if (from > at) spans.push([at, from, spans.length === 0 ? 'silent' : 'idle'])
    at = Math.min(to, end)
    spans.push([from, at, 'busy'])
  }
  if (end > at) spans.push([at, end, 'idle'])
  return spans
}

/** The deploys, one above the other, as a page. @param {import('./deploy.mjs').Deploy[]} deploys */
export function pageOf(deploys) {
  return renderDrain(deploys.filter(({ signals }) => signals.length > 0).map(recordOf))
}

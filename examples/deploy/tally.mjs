/** Counts every request exactly once: it is answered, or it is lost for one cause. */

/**
 * refused:    the connection could not be opened.
 * reset:      the connection was reset before the answer began.
 * eof:        the connection was closed before the answer began.
 * cut:        the answer began and did not arrive whole, however it ended.
 * unavailable: 503: the server took the request and would not serve it.
 * stalled:    no whole answer within 15 s.
 * wrong:      a whole answer, and not the one to this request.
 */
export const causes = /** @type {const} */ (['refused', 'reset', 'eof', 'cut', 'unavailable', 'stalled', 'wrong'])

/** What is requested: a quick GET, a POST that is not idempotent, a streamed download, an upload that is rejected early. */
export const kinds = /** @type {const} */ (['get', 'post', 'download', 'upload'])

/** @typedef {typeof causes[number]} Cause */
/** @typedef {typeof kinds[number]} Kind */
/**
 * @typedef {{
 *   sent: number, answered: number, askedAgain: number, lost: Record<Cause, number>, lostOf: Record<Kind, number>, connections: number, closedEarly: number
 * }} Tally
 */

/** @returns {Tally} */
export function newTally() {
  return {
    sent: 0,
    answered: 0,
    /** HTTP/2: how often the server said that it had not run a request, so that it was asked again. It is not lost by that. */
    askedAgain: 0,
    lost: { refused: 0, reset: 0, eof: 0, cut: 0, unavailable: 0, stalled: 0, wrong: 0 },
    lostOf: { get: 0, post: 0, download: 0, upload: 0 },
    connections: 0,
    /** Idle connections that the server closed before the `timeout` it had promised. No request is lost by that alone. */
    closedEarly: 0,
  }
}

/**
 * @param {Tally} tally
 * @param {Kind} kind
 * @param {Cause} cause
 */
export function countLoss(tally, kind, cause) {
  tally.lost[cause] += 1
  tally.lostOf[kind] += 1
}

/** @param {Tally} tally */
export function lostIn(tally) {
  return causes.reduce((sum, cause) => sum + tally.lost[cause], 0)
}

/**
 * Throws unless every request was counted exactly once.
 * @param {string} name
 * @param {Tally} tally
 */
export function assertBalanced(name, tally) {
  const accounted = tally.answered + lostIn(tally)
  const lostOfAll = kinds.reduce((sum, kind) => sum + tally.lostOf[kind], 0)
  if (tally.sent !== accounted || lostOfAll !== lostIn(tally)) {
    throw new Error(
      `${name}: the demo lost count: ${tally.sent} requests sent, but ${tally.answered} answered + ${lostIn(tally)} lost = ${accounted}`,
    )
  }
}

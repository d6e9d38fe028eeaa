/** Counts every request exactly once: it is answered, or it is lost for one cause. */

/** The causes that the demo's connection tells apart, and the three answers that a proxy gives of itself. */
export const causes = /** @type {const} */ (['502', '503', '504', 'refused', 'reset', 'eof', 'cut', 'stalled', 'wrong'])

/** @typedef {typeof causes[number]} Cause */
/** @typedef {{ sent: number, posts: number, answered: number, lost: Record<Cause, number>, connections: number }} Tally */
/**
 * A request that was lost, as the client saw it.
 * @typedef {{ cause: Cause, seen: string, id: number, method: string, sentAt: number, lostAfter: number, onConnection: number }} Loss
 */

/** @returns {Tally} */
export function newTally() {
  const lost = { 502: 0, 503: 0, 504: 0, refused: 0, reset: 0, eof: 0, cut: 0, stalled: 0, wrong: 0 }
  return { sent: 0, posts: 0, answered: 0, lost, connections: 0 }
}

/** @param {Tally} tally */
export function lostIn(tally) {
  return causes.reduce((sum, cause) => sum + tally.lost[cause], 0)
}

/** @param {string} name @param {Tally} tally @param {readonly Loss[]} losses */
export function assertBalanced(name, tally, losses) {
  if (tally.sent !== tally.answered + lostIn(tally) || losses.length !== lostIn(tally)) {
    throw new Error(
      `${name}: the count is wrong: ${tally.sent} sent, ${tally.answered} answered, ${lostIn(tally)} lost, ${losses.length} listed`,
    )
  }
}

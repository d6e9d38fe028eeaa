/** @typedef {import('@halfclose/core').Connections} Connections */
/** @typedef {import('@halfclose/core').Stats} Stats */

/** @param {object} counts @returns {number} */
const sum = (counts) => Object.values(counts).reduce((all, n) => all + n, 0)

/**
 * Every count of a handle that only grows.
 * @param {Stats} stats @returns {Record<string, number>}
 */
function growing({ connections, requests, closes, closedFirst, promisesBroken, refused = {}, drain = {} }) {
  /** @type {Record<string, number>} */
  const all = {}
  const parts = { connections, requests, closes, closedFirst, promisesBroken, refused, drain }
  for (const [part, counts] of Object.entries(parts)) {
    for (const [name, n] of Object.entries(counts)) all[`${part}.${name}`] = n
  }
  return all
}

/** Looks at the counts of a handle whenever something has happened: they have to add up at each instant, and none goes down. */
export class Sums {
  /** What was wrong first; `undefined`: nothing. @type {string | undefined} */
  wrong
  #connections
  /** @type {Record<string, number>} */
  #before = {}
  #ended = 0

  /** @param {Connections} connections */
  constructor(connections) {
    this.#connections = connections
    connections.on('close', ({ protocol }) => {
      this.#ended++
      // The streams of a session close right after it.
      if (protocol === '2') setImmediate(() => this.look())
      else this.look()
    })
    connections.on('state', () => this.look())
  }

  look() {
    this.wrong ??= this.#whatIsWrong(this.#connections.stats())
  }

  /** After the drain. @param {import('@halfclose/core').Report} report */
  end({ clean, connections, requests }) {
    this.look()
    if (sum(connections.byReason) !== connections.closed) this.wrong ??= `the report: ${JSON.stringify(connections)}`
    if (clean !== (requests.cut === 0)) this.wrong ??= `clean: ${clean}, cut: ${requests.cut}`
  }

  /** @param {Stats} stats */
  #whatIsWrong(stats) {
    const { open, connections, requests, closes, closedFirst, refused = {} } = stats
    const { opened, closed } = connections
    const { received, finished, cut, aborted } = requests
    const unknown = received - finished - cut - aborted
    // A request that halfclose answers itself (503, readiness) is in flight, and is not received.
    const inFlight = this.#connections.list().reduce((all, one) => all + one.inFlight, 0)
    const now = growing(stats)
    const down = Object.keys(this.#before).filter((name) => (now[name] ?? 0) < (this.#before[name] ?? 0))
    const holds = {
      'opened - closed = what is open': opened - closed === sum(open),
      'closed = closes, by reason': sum(closes) === closed,
      'closed = those that the server or the peer ended first': sum(closedFirst) === closed,
      [`closed = ${this.#ended} events`]: this.#ended === closed,
      'refused, by limit': sum(refused) === connections.refused,
      [`received = finished + cut + aborted, or one of ${inFlight} in flight`]: unknown >= 0 && unknown <= inFlight,
      [`no count goes down: ${down}`]: down.length === 0,
    }
    this.#before = now
    const wrong = Object.entries(holds).flatMap(([what, does]) => (does ? [] : [what]))
    return wrong.length === 0 ? undefined : `does not hold: ${wrong.join('; ')}: ${JSON.stringify(stats)}`
  }
}

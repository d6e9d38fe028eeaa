/** What became of a lost request: what the proxy's log says of it, and whether a backend ran it. */

/** How long after a listener has closed a client hears of the reset, in ms, and how much earlier its clock may say so. */
const HEARD_WITHIN = 1_000
const EARLIER = 50

/**
 * acceptQueue: the proxy's connection was reset when a listener closed, and no backend ran the request: the kernel does that to a
 * connection which still stands in the accept queue. Connections that were accepted are kept for longer than that.
 * @typedef {import('./tally.mjs').Loss & { ran: boolean, proxySays: string, acceptQueue: boolean }} Finding
 */

/**
 * @param {readonly import('./tally.mjs').Loss[]} losses
 * @param {readonly import('./journal.mjs').Entry[]} journals
 * @param {string} log the proxy's
 * @returns {Finding[]}
 */
export function explain(losses, journals, log) {
  if (losses.length === 0) return []
  const ran = new Set(journals.flatMap(({ requests }) => requests.map(([id]) => id)))
  /** @type {Map<string, string>} */
  const lines = new Map()
  for (const line of log.split('\n')) {
    const id = /\/(?:orders|hello)\/(\d+) /.exec(line)?.[1]
    if (id !== undefined) lines.set(id, `${lines.has(id) ? `${lines.get(id)} | ` : ''}${line}`)
  }
  return losses.map((loss) => {
    const line = lines.get(String(loss.id)) ?? ''
    const proxySays = summarize(line)
    const reset = /Connection reset by peer\) while reading response header/.test(line)
    const seenAt = loss.sentAt + loss.lostAfter
    const closing = journals.some(({ listenedUntil: at }) => seenAt >= at - EARLIER && seenAt < at + HEARD_WITHIN)
    const wasRun = ran.has(String(loss.id))
    return { ...loss, ran: wasRun, proxySays, acceptQueue: reset && closing && !wasRun }
  })
}

/** @param {string} line */
function summarize(line) {
  if (line === '') return 'nothing'
  const nginx = /\*\d+ (.*?)(?:, client:|$)/.exec(line)?.[1]
  // HAProxy's two letters: who ended the session, and in which state it was.
  const haproxy = /^.*? service\/(\S+) \S+ (\d+) \S+ - - (\S{4}) /.exec(line)
  if (haproxy) return `${haproxy[3]} (server ${haproxy[1]}, status ${haproxy[2]})`
  return nginx ?? line.slice(0, 200)
}

/** How often each. @param {readonly Finding[]} findings @returns {Record<string, number>} */
export function byWhatTheProxySays(findings) {
  /** @type {Record<string, number>} */
  const counts = {}
  for (const { proxySays, ran } of findings) {
    const key = `${proxySays}; ${ran ? 'was run' : 'was not run, as far as is known'}`
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

/**
 * What halfclose promises for this column: how many may be lost, and only in this way.
 * @param {import('./column.mjs').Column} column
 * @returns {string | undefined} undefined: kept, else what was broken
 */
export function broken({ proxy, policy, listener, findings, restarts, tally, mode }) {
  if (policy !== 'halfclose') return undefined
  if (tally.sent < mode.requests) return `only ${tally.sent} requests were sent`
  const unclean = restarts.filter(({ code }) => code !== 0).length
  if (unclean > 0) return `${unclean} drains were not clean`
  if (proxy === 'nginx' && listener === 'own') {
    const others = findings.filter(({ acceptQueue }) => !acceptQueue).length
    if (others > 0) return `${others} lost otherwise than in the accept queue`
    // One that comes between the last accept() and the close(), at every close.
    return findings.length > restarts.length
      ? `${findings.length} lost in the accept queue over ${restarts.length} closes`
      : undefined
  }
  return findings.length > 0 ? `${findings.length} lost` : undefined
}

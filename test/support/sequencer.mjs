// Files that take long begin first, so that none of them runs alone at the end. jest knows durations only from earlier runs on the same machine: a
// fresh clone has none. Files that keep a core busy alternate with files that mostly wait, so that they share the time rather than compete for it.
import Sequencer from '@jest/test-sequencer'

const BUSY = [
  /packages\/probe\/test\/(mutants|stop-mutants)\./,
  /test\/allocations\//,
  /test\/contract\//,
  /packages\/fastify\/test\/signals\./,
  /test\/faults\/(descriptors|process)\./,
  /test\/http2\/(?!unknown|clients)/,
  /test\/site\//,
  /test\/adversary\/fuzz\./,
  /packages\/core\/test\/(stopped-process|exit|file-pipe)\//,
  /test\/(release|api)\//,
  /examples\/(deploy|haproxy|ways-in|nextjs|nestjs)\//,
  /packages\/express\/test\/(process|indirect-app|servers)\b/,
  /test\/(clients|comparison|adversary)\//,
]
const WAITING = [
  /test\/clients\/(view|chromium)\./,
  /packages\/probe\/test\/agreement\./,
  /examples\/(metrics|aws-ecs|kubernetes|pm2)\//,
  /examples\/long-lived\/streams\./,
  /packages\/express\/test\/process\/(others|beside)\./,
  /packages\/core\/test\/(view|cluster|busy-listener|silence|register|timers)\//,
  /packages\/core\/test\/(slow-links|late-parsers|node-settings)\./,
  /packages\/fastify\/test\/(register|close)\./,
  /test\/deploy\/activation\./,
  /examples\/(cluster|lab|under-pressure)\//,
]

/** The files that match, in the order of the patterns. */
const among = (patterns, tests) => patterns.flatMap((pattern) => tests.filter(({ path }) => pattern.test(path)))

export default class extends Sequencer {
  sort(tests) {
    const sorted = [...super.sort(tests)]
    const waiting = among(WAITING, sorted)
    const busy = among(BUSY, sorted)
    const longest = Array.from({ length: Math.max(busy.length, waiting.length) }, (_, n) => [busy[n], waiting[n]]).flat()
    return [...new Set([...longest, ...sorted])].filter((test) => test !== undefined)
  }
}

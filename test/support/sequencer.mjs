// The files that take longest begin first, so that none of them runs alone at the end. jest knows durations only from earlier runs on the same
// machine: a fresh clone has none.
import Sequencer from '@jest/test-sequencer'

const LONGEST = [
  /packages\/core\/test\/ends\./,
  /test\/contract\//,
  /test\/deploy\/activation\./,
  /packages\/fastify\/test\/signals\./,
  /test\/allocations\//,
  /examples\/nextjs\//,
  /test\/http2\/(?!unknown)/,
  /packages\/express\/test\/process\//,
  /test\/clients\//,
  /packages\/core\/test\/(stands|exit|silence|timers|slow-links|cluster)\b/,
  /examples\/(deploy|pm2|kubernetes|aws-ecs|nestjs|haproxy|cluster|long-lived)\//,
  /test\/adversary\//,
]

const place = ({ path }) => {
  const found = LONGEST.findIndex((pattern) => pattern.test(path))
  return found === -1 ? LONGEST.length : found
}

export default class extends Sequencer {
  sort(tests) {
    return [...super.sort(tests)].sort((a, b) => place(a) - place(b))
  }
}

import { rules } from '../rules.js'

/** What --help prints. */
export function help(): string {
  const width = Math.max(...rules.map(({ id }) => id.length))
  return `halfclose-probe: how does an HTTP server keep, announce and end its connections?

  halfclose-probe http://127.0.0.1:3000/
  halfclose-probe https://staging.example/ --tier a --json out.json --html out.html --badge badge.svg
  halfclose-probe --run 'node server.js' --url http://127.0.0.1:3000/ --stop SIGTERM --slow '/slow?ms=1500'

  --tier a,b,c       which tiers; default: all for which there is enough
  --slow PATH        a path whose answer takes its time (tier b, and some of c)
  --stream PATH      a path whose answer has no end
  --run COMMAND      a process to start and stop (tier c); --stop SIGNAL: SIGTERM by default
  --only ID,ID       these checks alone
  --patience MS      how long a server may take to let go a client that is idle, silent or slow; default 77000
  --deadline MS      how long a process may take to end after its signal; default 30000
  --connections N    at once, at most; default 50
  --bytes N          sent in all, at most; default 64 MB
  --floods           send floods of HTTP/2 frames (on loopback always)
  --yes              probe a server that is neither loopback nor private without asking
  --json FILE, --html FILE, --badge FILE
  --fail-on LEVEL    exit code 1 for a broken rule of this level: MUST (default), SHOULD, or never
  --explain ID       what a check sends, what it expects, and why

  Exit code: 0, 1 for a broken rule, 2 where the server cannot be reached or speaks no HTTP, or the arguments are wrong.

Checks:

${rules.map(({ id, level, title }) => `  ${id.padEnd(width)}  ${level.padEnd(9)}  ${title}`).join('\n')}
`
}

// What a bare server on Node 20 does with the contract, as Markdown: from test/conformance/results.json.
// `write` puts it into docs/comparison.md, `check` tells whether it is there; without either it is printed.
import { readFileSync, writeFileSync } from 'node:fs'
import { bareOn, read } from '../conformance/results.mjs'

/** case → host → letter */
const cases = bareOn(read(), '20')

/** The cases that tell most, in the words of somebody who has never read the contract. */
const telling = {
  'linger/early-413': 'a client that writes 20 MB before it reads gets its early 413',
  'half-closed/asynchronous': 'a client that sends its request, then FIN, is answered',
  'drain/promise-kept': 'a request sent 1.7 s after the stop signal, within the promised 2 s, is answered',
  'drain/in-the-kernel': 'requests that reached the kernel before the stop signal are answered',
  'drain/accept-queue': 'connections that waited to be accepted at the stop signal are served',
  'drain/in-flight': 'the last response before a shutdown says `Connection: close`',
  'drain/silent': 'a connection that never sent a byte does not hold the shutdown',
  'drain/timers-stay-on': 'a stalled upload does not hold the shutdown',
  'idle/blocked-loop': 'a request that came in time is answered, though the event loop was blocked past the idle deadline',
  'gate/pipelined-over-limit': 'six pipelined requests over a limit of three: three answers, then the end',
  'gate/one-post-at-a-time': 'a POST pipelined behind a POST waits for its turn',
  'gate/malformed-behind-good': 'a malformed request does not swallow the answer before it',
  'truncation/handler-aborts': 'half an HTTP/1.0 body does not look like a whole one',
  'truncation/short-then-next': 'a body shorter than its Content-Length does not run into the next response',
  'h2-conformance/half-closed': 'HTTP/2: a client that sends its request, then FIN, is answered',
  'h2-policy/max-requests': 'HTTP/2: five streams at once over a limit of three: three answers, and a GOAWAY that says so',
  'h2-abuse/ping-flood': 'HTTP/2: a flood of PING is ended',
}
/** [heading, hosts]: a tick only where every one of them passes. */
const columns = [
  ['Node', ['http', 'https', 'http2', 'https2', 'https2and1']],
  ['Express', ['express4', 'express5', 'express4h2and1', 'express5h2and1']],
  ['Fastify', ['fastify4', 'fastify5', 'fastify4h2', 'fastify5h2', 'fastify5h2and1']],
]

const row = (cells) => `| ${cells.join(' | ')} |`
const rule = () => row(['---', ...columns.map(() => ':-:'), ':-:'])
const passes = (bare, hosts) => hosts.every((host) => bare[host] === undefined || bare[host] === 'p')

const mark = (one, hosts) => (hosts.some((host) => host in one) ? (passes(one, hosts) ? '✓' : '✗') : '–')

export function table() {
  const lines = [row(['', ...columns.map(([name]) => `bare ${name}`), 'with halfclose']), rule()]
  for (const [id, words] of Object.entries(telling)) {
    const one = cases[id]
    if (one === undefined) throw new Error(`${id} is no case of results.json`)
    lines.push(row([words, ...columns.map(([, hosts]) => mark(one, hosts)), '✓']))
  }
  return lines.join('\n')
}

/** What a handle alone can tell is not something that a bare server could do: those subjects are left out. */
export function counts() {
  const subjects = [...new Set(Object.keys(cases).map((id) => id.split('/')[0]))].filter(
    (name) => name !== 'stats' && name !== 'options',
  )
  const lines = [row(['subject', ...columns.map(([name]) => `bare ${name}`), 'with halfclose']), rule()]
  for (const subject of subjects) {
    const of = (hosts) =>
      Object.entries(cases).filter(([id, one]) => id.startsWith(`${subject}/`) && hosts.some((host) => host in one))
    const cell = ([, hosts]) => `${of(hosts).filter(([, one]) => passes(one, hosts)).length} of ${of(hosts).length}`
    const all = of(columns.flatMap(([, hosts]) => hosts)).length
    lines.push(row([subject, ...columns.map(cell), `${all} of ${all}`]))
  }
  return lines.join('\n')
}

const page = new URL('../../docs/comparison.md', import.meta.url)
const place = /(<!-- contract:[^\n]*-->\n)[\s\S]*?(<!-- \/contract -->)/

function intoPage(mode) {
  const before = readFileSync(page, 'utf8')
  if (!place.test(before)) throw new Error('docs/comparison.md has no place for the contract table')
  const after = before.replace(place, (_, open, close) => `${open}\n${table()}\n\n${close}`)
  if (before === after) return
  if (mode === 'write') writeFileSync(page, after)
  else {
    console.error('the table in docs/comparison.md is stale: node test/contract/render.mjs write')
    process.exitCode = 1
  }
}

if (import.meta.filename === process.argv[1]) {
  const mode = process.argv[2]
  if (mode === 'write' || mode === 'check') intoPage(mode)
  else console.log(`${table()}\n\n${counts()}`)
}

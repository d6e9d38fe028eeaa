import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Outcome, probe, rules } from 'halfclose-probe'
import { H2Host } from '../../../test/support/h2/host.js'
import { Host } from '../../../test/support/host.js'

// The probe's verdicts are those of the contract (test/conformance/results.json), on the same servers: asked here, and as they stand in docs/probe.

/** Which case of the contract asks the same question. */
const SAME: Record<string, string> = {
  'a/persists': 'conformance/persistent-by-default',
  'a/keep-alive-honoured': 'keep-alive/kept-as-promised',
  'a/idle-fin': 'keep-alive/idle-end-is-a-fin',
  'a/close-plain': 'persist/request-says-close',
  'a/close-case': 'persist/request-says-close-capital',
  'a/close-list': 'persist/request-says-foo-close',
  'a/close-two-lines': 'persist/close-in-a-second-field',
  'a/close-beside-keep-alive': 'persist/request-says-keep-alive-close',
  'a/http10-closes': 'conformance/http10-closes-by-default',
  'a/http10-not-chunked': 'persist/http10-transfer-encoding',
  'a/pipeline-order': 'gate/in-order',
  'a/400-readable': 'linger/after-400',
  'a/400-closes': 'conformance/invalid-length-1',
  'a/431-readable': 'linger/after-431',
  'a/early-answer-close': 'linger/early-413',
  'b/half-closed-slow': 'half-closed/asynchronous',
  'b/order-slow-fast': 'gate/in-order',
  'b/error-behind-slow': 'gate/malformed-behind-good',
  'b/post-waits-for-post': 'gate/one-post-at-a-time',
}
const SAME_OVER_TLS: Record<string, string> = {
  ...SAME,
  'a/close-notify': 'conformance/close-notify-close-tls13',
  'a/idle-close-notify': 'conformance/close-notify-idle-tls13',
}
const SAME_IN_HTTP2: Record<string, string> = {
  'a/h2-half-closed': 'h2-conformance/half-closed',
  'a/h2-idle-goaway': 'h2-policy/idle',
  'a/h2-reset-flood': 'h2-abuse/rapid-reset',
}
/** The contract asks for more: ENHANCE_YOUR_CALM. From Node 22 on a bare server ends the flood with INTERNAL_ERROR. */
const ENDED_IS_LESS = 'a/h2-reset-flood'
/**
 * The contract asks for less: its case connects when the listener has closed. The check connects all the time, and a server that loses its accept queue then resets a
 * connection, if one is in the queue at that moment.
 */
const DROPS_AT_CLOSE = { id: 'c/refused-after', unless: 'drain/accept-queue' }
/** Tier c: asked of processes by `npm run probe:servers`. */
const SAME_AT_STOP: Record<string, string> = {
  'c/in-flight-close': 'drain/in-flight',
  'c/idle-promise': 'drain/promise-kept',
  'c/accept-queue': 'drain/accept-queue',
  'c/refused-after': 'drain/refuses-new',
}
const ALL = { ...SAME_OVER_TLS, ...SAME_IN_HTTP2, ...SAME_AT_STOP }
const SLOW = 600

interface Stored {
  hosts: string
  nodes: Record<string, { cases: Record<string, string> }>
}
const root = path.join(__dirname, '../../..')
const stored: Stored = JSON.parse(readFileSync(path.join(root, 'test/conformance/results.json'), 'utf8'))

interface Verdict {
  id: string
  outcome: Outcome
  detail: string
}

/** The verdicts that are not what the contract found on this Node: `p`, passed, or `f`. What does not apply says nothing. */
function differing(results: Verdict[], same: Record<string, string>, host: string, bare: boolean, node: string): string[] {
  const place = stored.hosts.split(' ').indexOf(host)
  const letterOf = (id = '') => stored.nodes[node]?.cases[id]?.split(' ')[bare ? 0 : 1]?.[place]
  return results.flatMap(({ id, outcome, detail }) => {
    const letter = letterOf(same[id])
    if (outcome === 'not applicable' || (letter !== 'p' && letter !== 'f')) return []
    const kept = outcome === 'pass' || outcome === 'yes'
    const losesQueue = id === DROPS_AT_CLOSE.id && letterOf(DROPS_AT_CLOSE.unless) === 'f'
    return kept === (letter === 'p') || (id === ENDED_IS_LESS && kept) || (losesQueue && !kept)
      ? []
      : [`${id}: ${outcome}, ${detail}; ${same[id]}: ${letter}`]
  })
}

const [major = ''] = process.versions.node.split('.')
const both = <Name extends string>(...names: Name[]) => names.flatMap((name) => [true, false].map((bare) => ({ name, bare })))
const mode = (bare: boolean) => (bare ? 'bare' : 'halfclose')

test.concurrent.each(both('http', 'https', 'express5', 'fastify5'))(
  'on $name (bare: $bare) the probe says what the contract says',
  async ({ name, bare }) => {
    const host = await Host.start(name, mode(bare), {
      server: { keepAliveTimeout: 1_000 },
      routes: {
        '/': (_req, res) => res.end('hello\n'.repeat(100)),
        '/slow': (req, res) => {
          req.resume()
          setTimeout(() => res.end('slow'), SLOW)
        },
      },
    })
    const same = name === 'https' ? SAME_OVER_TLS : SAME
    try {
      const url = `${name === 'https' ? 'https' : 'http'}://127.0.0.1:${host.port}/`
      const { results } = await probe({ url, slow: '/slow', patience: 4_000, only: Object.keys(same) })
      expect(differing(results, same, name, bare, major)).toEqual([])
    } finally {
      await host.dispose()
    }
  },
  60_000,
)

test.concurrent.each(both('http2'))(
  'on $name (bare: $bare) the probe says what the contract says',
  async ({ name, bare }) => {
    const host = await H2Host.start(name, mode(bare), {
      options: bare ? undefined : { keepAlive: { timeout: 1_000 } },
      routes: { '/': (_req, res) => res.end('hello\n'.repeat(100)) },
    })
    try {
      const url = `http://127.0.0.1:${host.port}/`
      const { results } = await probe({ url, patience: 4_000, floods: true, only: Object.keys(SAME_IN_HTTP2) })
      expect(differing(results, SAME_IN_HTTP2, name, bare, major)).toEqual([])
    } finally {
      await host.dispose()
    }
  },
  60_000,
)

/** Its application reads a body before it answers: no answer of it is early. */
const READS_FIRST = 'node-fastify'

/** The servers of docs/probe whose kind the contract has. */
const SERVERS: Record<string, { host: string; bare: boolean }> = {
  'node-http': { host: 'http', bare: true },
  'node-http-tls': { host: 'https', bare: true },
  'node-express': { host: 'express5', bare: true },
  'node-fastify': { host: 'fastify5', bare: true },
  'halfclose-http': { host: 'http', bare: false },
  'halfclose-http-tls': { host: 'https', bare: false },
  'halfclose-express': { host: 'express5', bare: false },
  'halfclose-fastify': { host: 'fastify5', bare: false },
}

test.each(Object.entries(SERVERS))('docs/probe says of %s what the contract says', (name, { host, bare }) => {
  const report: { version: string; results: Verdict[] } = JSON.parse(
    readFileSync(path.join(root, 'docs/probe/results', `${name}.json`), 'utf8'),
  )
  const [node = ''] = report.version.split('.')
  const compared = report.results.filter(({ id }) => name !== READS_FIRST || id !== 'a/early-answer-close')
  expect(differing(compared, ALL, host, bare, node)).toEqual([])
})

test('every check that is compared exists, and so does its case', () => {
  const ids = rules.map(({ id }) => id)
  expect(Object.keys(ALL).filter((id) => !ids.includes(id))).toEqual([])
  expect(Object.values(ALL).filter((id) => stored.nodes['20']?.cases[id] === undefined)).toEqual([])
})

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { probe, rules } from 'halfclose-probe'
import { Host, type HostName } from '../../../test/support/host.js'

// The probe's verdicts are those of the contract (test/conformance/results.json), on the same servers.

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
  'a/431-readable': 'linger/after-431',
  'a/early-answer-close': 'linger/early-413',
  'b/half-closed-slow': 'half-closed/asynchronous',
  'b/post-waits-for-post': 'gate/one-post-at-a-time',
}
const HOSTS: readonly HostName[] = ['http', 'express5', 'fastify5']
const SLOW = 600

interface Stored {
  hosts: string
  nodes: Record<string, { cases: Record<string, string> }>
}
const stored: Stored = JSON.parse(readFileSync(path.join(__dirname, '../../../test/conformance/results.json'), 'utf8'))
const [major = ''] = process.versions.node.split('.')

/** What the contract found: `p` or `f`. */
function found(id: string, name: HostName, bare: boolean): string | undefined {
  const letters = stored.nodes[major]?.cases[id]?.split(' ')[bare ? 0 : 1]
  return letters?.[stored.hosts.split(' ').indexOf(name)]
}

const runs = HOSTS.flatMap((name) =>
  [true, false].map((bare) => ({ name, bare, title: `${name}${bare ? '' : ' with halfclose'}` })),
)

test.concurrent.each(runs)(
  'on $title the probe says what the contract says',
  async ({ name, bare }) => {
    const host = await Host.start(name, bare ? 'bare' : 'halfclose', {
      server: { keepAliveTimeout: 1_000 },
      routes: {
        '/': (_req, res) => res.end('hello\n'.repeat(100)),
        '/slow': (req, res) => {
          req.resume()
          setTimeout(() => res.end('slow'), SLOW)
        },
      },
    })
    try {
      const { results } = await probe({
        url: `http://127.0.0.1:${host.port}/`,
        slow: '/slow',
        patience: 4_000,
        only: Object.keys(SAME),
      })
      const said = results.map(({ id, outcome, detail }) => ({ id, kept: outcome === 'pass', outcome, detail }))
      const differs = said.filter(({ id, kept }) => {
        const letter = found(SAME[id] ?? '', name, bare)
        return letter !== undefined && kept !== (letter === 'p')
      })
      expect(differs).toEqual([])
    } finally {
      await host.dispose()
    }
  },
  60_000,
)

test('every check that is compared exists, and so does its case', () => {
  const ids = rules.map(({ id }) => id)
  expect(Object.keys(SAME).filter((id) => !ids.includes(id))).toEqual([])
  expect(Object.values(SAME).filter((id) => stored.nodes['20']?.cases[id] === undefined)).toEqual([])
})

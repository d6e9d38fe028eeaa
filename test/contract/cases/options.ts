import { deepEqual, equal, match, ok, rejects, throws } from 'node:assert/strict'
import type { Logger, Options } from '@halfclose/core'
import { type Case, frameworks, plain } from '../../support/contract.js'
import { Host } from '../../support/host.js'

type Wrong = readonly [id: string, options: unknown, type: 'TypeError' | 'RangeError', path: string, ...message: RegExp[]]

const wrong: readonly Wrong[] = [
  ['timeout-type', { keepAlive: { timeout: '5s' } }, 'TypeError', 'keepAlive.timeout', /"5s"/, /milliseconds/],
  ['timeout-negative', { keepAlive: { timeout: -1 } }, 'RangeError', 'keepAlive.timeout', /-1/],
  ['timeout-nan', { keepAlive: { timeout: Number.NaN } }, 'RangeError', 'keepAlive.timeout', /NaN/],
  ['hold-too-short', { keepAlive: { timeout: 5_000, hold: 5_500 } }, 'RangeError', 'keepAlive.hold', /at least/, /5500/],
  ['zero-is-no-limit', { keepAlive: { maxRequests: 0 } }, 'RangeError', 'keepAlive.maxRequests', /false/],
  ['fraction-of-a-request', { keepAlive: { maxRequests: 1.5 } }, 'RangeError', 'keepAlive.maxRequests', /1\.5/],
  ['http10', { keepAlive: { http10: 'maybe' } }, 'RangeError', 'keepAlive.http10', /grant/, /maybe/],
  ['parameter-injection', { keepAlive: { parameters: { pod: 'a\r\nSet-Cookie: b' } } }, 'RangeError', 'keepAlive.parameters.pod'],
  ['parameter-name', { keepAlive: { parameters: { timeout: '9' } } }, 'RangeError', 'keepAlive.parameters', /timeout/],
  ['half-closed', { halfClosed: true }, 'TypeError', 'halfClosed', /true/],
  ['linger', { linger: false }, 'TypeError', 'linger', /false/],
  ['linger-bytes', { linger: { bytes: -1 } }, 'RangeError', 'linger.bytes'],
  ['drain', { drain: 'slow' }, 'RangeError', 'drain', /fast/],
  ['deadline', { drain: { deadline: Number.POSITIVE_INFINITY } }, 'RangeError', 'drain.deadline', /Infinity/],
  ['drain-idle', { drain: { idle: 'never' } }, 'TypeError', 'drain.idle', /promise/],
  ['logger', { logger: console.log }, 'TypeError', 'logger', /info/],
  ['misspelt', { keepalive: { timeout: 1_000 } }, 'TypeError', 'keepalive', /keepAlive/],
  ['misspelt-inside', { drain: { deadlne: 1_000 } }, 'TypeError', 'drain.deadlne', /drain\.deadline/],
]

const wrongOption = ([id, options, name, path, ...messages]: Wrong): Case => ({
  id: `options/${id}`,
  rules: ['R003'],
  title: `a wrong option (${path}) throws at once a ${name} that names the option, the rule and the value`,
  run: async (host) => {
    ok(host.connections)
    await rejects(Host.start(host.name, 'halfclose', { options: options as Options }), (error: Error & { code?: string }) => {
      ok(name === 'TypeError' ? error instanceof TypeError : error instanceof RangeError, `${error.name}`)
      match(error.code ?? '', /^HALFCLOSE_/)
      for (const part of [new RegExp(path.replaceAll('.', '\\.')), ...messages]) match(error.message, part)
      return true
    })
  },
})

/** Options are parsed once, into a policy that does not change. */
export const options: Case[] = [
  ...wrong.map(wrongOption),
  {
    id: 'options/policy-is-total-and-frozen',
    rules: ['R003'],
    title: 'the policy has every field, with its default, and is frozen throughout',
    run: async (host) => {
      const { policy } = host.connections
      deepEqual(policy.linger, { quiet: 2_000, total: 30_000, bytes: 64 * 1024 * 1024, connections: 1_000 })
      equal(policy.halfClosed, 5_000)
      deepEqual(policy.drain, { delay: 0, deadline: 20_000, idle: 'promise', silent: 5_000, upgraded: 20_000, minRate: 240 })
      ok(policy.keepAlive)
      const { timeout, hold, maxRequests, maxAge, http10 } = policy.keepAlive
      deepEqual({ timeout, maxRequests, maxAge, http10 }, { timeout: 5_000, maxRequests: false, maxAge: false, http10: 'grant' })
      ok(host.name.startsWith('fastify') ? hold === 73_000 : hold === 6_000, `hold is ${hold}`)
      for (const part of [policy, policy.keepAlive, policy.linger, policy.drain]) ok(Object.isFrozen(part))
    },
  },
  {
    id: 'options/not-a-server',
    rules: ['R003'],
    title: 'attach to something else, or twice, is a clear error',
    hosts: plain,
    run: async (host) => {
      ok(host.connections)
      const { attach } = await import('@halfclose/core')
      const code = (expected: RegExp) => (error: Error & { code?: string }) => expected.test(error.code ?? '')
      throws(() => attach({} as never), code(/^HALFCLOSE_NOT_A_SERVER$/))
      throws(() => attach(host.server), code(/^HALFCLOSE_ALREADY_ATTACHED$/))
    },
  },
  loggerCase(),
]

function loggerCase(): Case {
  const lines: string[] = []
  const logger: Logger = {
    info: (_fields, message) => void lines.push(`info ${message}`),
    warn: (_fields, message) => void lines.push(`warn ${message}`),
  }
  return {
    id: 'options/logger-lines',
    rules: ['R010'],
    title: 'one line with the policy when listening, one at the end of a drain, and nothing else while all is well',
    hosts: frameworks,
    options: { logger },
    run: async (host) => {
      const listening = lines.splice(0)
      const client = await host.idleClient()
      client.fin()
      await client.closed()
      await host.report()
      const drained = lines.splice(0)
      const all = [...listening, ...drained]
      deepEqual([listening.length, drained.length], [1, 1], all.join('\n'))
      ok(
        all.every((line) => line.startsWith('info ')),
        all.join('\n'),
      )
    },
  }
}

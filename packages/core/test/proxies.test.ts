import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { chooseOptions } from '../src/adapter/options.js'
import { fold } from '../src/errors/spelling.js'
import type { Inherited } from '../src/node/server-kinds.js'
import { parseOptions } from '../src/options/parse.js'
import { holdBehind, PROXIES, PROXY_ALIASES, PROXY_MARGIN } from '../src/options/proxies.js'

const NODE: Inherited = { keepAliveTimeout: 5_000, maxRequestsPerSocket: 0 }
const FASTIFY: Inherited = { ...NODE, keepAliveTimeout: 72_000 }
const NAMES = Object.keys(PROXIES)

function timesOf(options: object, inherited = NODE) {
  const { policy, warnings } = parseOptions(options, inherited)
  if (policy.keepAlive === false) throw new Error('keepAlive is false')
  const { timeout, hold } = policy.keepAlive
  return { timeout, hold, warnings: warnings.map(({ code }) => code) }
}

function errorOf(behind: unknown): unknown {
  try {
    parseOptions({ behind }, NODE)
  } catch (error) {
    return error
  }
  throw new Error('did not throw')
}

describe('what a hold becomes behind a proxy', () => {
  test.each(Object.entries(PROXIES))('%s: longer than the proxy keeps it, and nothing more is promised', (behind, { idle }) => {
    expect(timesOf({ behind })).toEqual({ timeout: 5_000, hold: idle + PROXY_MARGIN, warnings: [] })
  })

  test.each<[string, object, Partial<Inherited>, number, number]>([
    ['a server that keeps longer anyway', { behind: 'cloudfront' }, FASTIFY, 5_000, 73_000],
    ['a server that keeps shorter', { behind: 'aws-alb' }, { keepAliveTimeout: 2_000 }, 2_000, 65_000],
    ['a server that keeps for ever', { behind: 'aws-alb' }, { keepAliveTimeout: 0 }, 0, 72_000],
    ['… behind a proxy that keeps longer', { behind: 'gcp-lb' }, { keepAliveTimeout: 0 }, 0, 605_000],
    ['an explicit timeout', { behind: 'aws-alb', keepAlive: { timeout: 10_000 } }, FASTIFY, 10_000, 65_000],
    ['a longer one', { behind: 'aws-alb', keepAlive: { timeout: 90_000 } }, {}, 90_000, 91_000],
    ['no promise at all', { behind: 'aws-alb', keepAlive: { timeout: 0 } }, {}, 0, 65_000],
    ['an explicit hold', { behind: 'aws-alb', keepAlive: { hold: 120_000 } }, {}, 5_000, 120_000],
    ['one that is barely longer than the proxy', { behind: 'aws-alb', keepAlive: { hold: 60_001 } }, {}, 5_000, 60_001],
    ['both explicit', { behind: 'aws-alb', keepAlive: { timeout: 2_000, hold: 61_000 } }, {}, 2_000, 61_000],
    ['undefined', { behind: undefined }, {}, 5_000, 6_000],
  ])('%s', (_, options, inherited, timeout, hold) => {
    expect(timesOf(options, { ...NODE, ...inherited })).toEqual({ timeout, hold, warnings: [] })
  })

  test.each([60_000, 59_999, 30_000, 6_000])(
    'an explicit hold of %p ms wins over aws-alb, and warns once, with the numbers',
    (hold) => {
      const { policy, warnings } = parseOptions({ behind: 'aws-alb', keepAlive: { hold } }, NODE)
      expect(policy.keepAlive).toMatchObject({ hold, timeout: Math.min(5_000, hold - 1_000) })
      expect(warnings).toEqual([
        {
          code: 'HALFCLOSE_HOLD_BELOW_PROXY',
          message: expect.stringMatching(
            new RegExp(`\`keepAlive\\.hold\`: ${hold} ms .* 60000 ms .*Load Balancer.*https://docs\\.aws.*\\(65000 ms\\)`),
          ),
        },
      ])
    },
  )

  test('keepAlive: false keeps nothing, so there is nothing to raise or to warn of', () => {
    expect(parseOptions({ behind: 'aws-alb', keepAlive: false }, NODE)).toMatchObject({
      policy: { keepAlive: false },
      warnings: [],
    })
    expect(errorOf('alb')).toBeInstanceOf(RangeError)
  })

  test('an adapter passes it on', () => {
    expect(chooseOptions({ behind: 'nginx' }, undefined, {}).core).toMatchObject({ behind: 'nginx' })
  })

  test('whatever else is given: at least as long as without it, and the same promise', () => {
    const ms = fc.option(fc.nat(2 ** 31 - 2_000), { nil: undefined })
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), ms, fc.nat(700_000), (behind, timeout, keepAliveTimeout) => {
        const inherited = { ...NODE, keepAliveTimeout }
        const [without, with_] = [
          timesOf({ keepAlive: { timeout } }, inherited),
          timesOf({ behind, keepAlive: { timeout } }, inherited),
        ]
        expect(with_.timeout).toBe(without.timeout)
        expect(with_.hold).toBe(Math.max(without.hold, timesOf({ behind }).hold))
      }),
    )
  })
})

describe('wrong values', () => {
  test.each<[string, string | undefined]>([
    ['aws-abl', 'aws-alb'],
    ['AWS-ALB', 'aws-alb'],
    ['aws_alb', 'aws-alb'],
    ['alb', 'aws-alb'],
    ['gcp', 'gcp-lb'],
    ['Google Cloud', 'gcp-lb'],
    ['azure', 'azure-appgw'],
    ['NGINX', 'nginx'],
    ['ingress-nginx', 'nginx'],
    ['ha-proxy', 'haproxy'],
    ['istio', 'envoy'],
    ['cloud-front', 'cloudfront'],
    ['clouflare', 'cloudflare'],
    ['squid', undefined],
    ['constructor', undefined],
    ['__proto__', undefined],
    ['', undefined],
  ])('%p: did you mean %p?', (behind, meant) => {
    const error = errorOf(behind)
    expect(error).toBeInstanceOf(RangeError)
    const list = NAMES.map((name) => `'${name}'`).join(', ')
    const hint = meant === undefined ? 'for any other proxy give `keepAlive.hold`' : `did you mean '${meant}'?`
    expect(error).toMatchObject({
      code: 'HALFCLOSE_OPTION_RANGE',
      path: 'behind',
      value: behind,
      message: `halfclose: option \`behind\` must be one of ${list}, got "${behind}" (string); ${hint}`,
    })
  })

  test.each([null, false, true, 60_000, ['nginx'], {}, Symbol('s')])('%p is a TypeError', (behind) => {
    const error = errorOf(behind)
    expect(error).toBeInstanceOf(TypeError)
    expect(error).toMatchObject({ code: 'HALFCLOSE_OPTION_TYPE', path: 'behind', value: behind })
  })
})

describe('the presets', () => {
  test.each([...PROXY_ALIASES])('the alias %s can be found, and is no name itself', (alias, name) => {
    expect(fold(alias)).toBe(alias)
    expect(NAMES).toContain(name)
    expect(NAMES).not.toContain(alias)
  })

  test('docs/proxies.md has every one of them, with its figures and its source, and no other', () => {
    const text = readFileSync(path.join(__dirname, '../../../docs/proxies.md'), 'utf8')
    const rows = [...text.matchAll(/^\| `'([^']+)'` \| [^|]+ \| ([\d_]+) \| `([\d_]+)` \| \[[^\]]+\]\(([^)]+)\)/gm)]
    const number = (digits: string | undefined) => Number(digits?.replaceAll('_', ''))
    expect(rows.map(([, name, idle, hold, source]) => ({ name, idle: number(idle), hold: number(hold), source }))).toEqual(
      Object.entries(PROXIES).map(([name, preset]) => ({
        name,
        idle: preset.idle,
        hold: holdBehind(preset),
        source: preset.source,
      })),
    )
  })
})

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { cases as http1 } from '../contract/cases/index.js'
import { cases as http2 } from '../http2/cases/index.js'
import { h2HostNames } from '../support/h2/hosts.js'
import { hostNames } from '../support/host.js'
import { wronglyMarked } from './red.mjs'

interface Rule {
  id: string
  role: string
}

interface Results {
  hosts: string
  newest: string
  rules: Record<string, string>
  nodes: Record<string, { cases: Record<string, string>; newest?: Record<string, string> }>
}

/** Of both suites; where a case names no hosts, on those of its own. */
const cases = [
  ...http1.map((one) => ({ ...one, on: new Set<string>(one.hosts ?? hostNames) })),
  ...http2.map((one) => ({ ...one, on: new Set<string>(one.hosts ?? h2HostNames) })),
]

const root = join(__dirname, '../..')
const json = <T>(name: string): T => JSON.parse(readFileSync(join(__dirname, name), 'utf8')) as T
const rules = json<Rule[]>('rules.json')
const exempt = json<Record<string, string>>('exempt.json')
const results = json<Results>('results.json')
/** Fastify 6 is for Node 24 and later: what it did stands apart. */
const hosts = { cases: results.hosts.split(' '), newest: results.newest.split(' ') }
const again = "npm run test:matrix, or for a few cases: npm run test:matrix -- --cases 'persist/'"

const ids = rules.map(({ id }) => id)
const held = new Set(cases.flatMap((one) => one.rules))
const rulesOf = Object.fromEntries(cases.map((one) => [one.id, one.rules.join(' ')]))

describe('every rule', () => {
  it.each(rules.filter(({ role }) => /server|tcp|tls/.test(role)))('$id ($role) is held by a case, or says why not', ({ id }) => {
    expect(held.has(id) || (exempt[id] ?? '') !== '').toBe(true)
  })

  it('that no case holds says why not, whoever it is for', () => {
    expect(ids.filter((id) => !held.has(id))).toEqual(Object.keys(exempt).filter((id) => exempt[id] !== ''))
  })

  it('that a case names is one', () => {
    expect([...held].filter((id) => !ids.includes(id))).toEqual([])
  })

  it('has an id of its own, and so has every case', () => {
    expect(ids).toEqual([...new Set(ids)].sort())
    expect(cases).toHaveLength(Object.keys(rulesOf).length)
  })
})

/** What the bare hosts did with a case, on each Node. */
function bareLetters(id: string): Record<string, string>[] {
  return Object.values(results.nodes).map((node) => {
    const found: Record<string, string> = {}
    for (const part of ['cases', 'newest'] as const)
      for (const [index, letter] of [...(node[part]?.[id] ?? '').split(' ', 1).join('')].entries())
        found[hosts[part][index] ?? ''] = letter
    return found
  })
}

it('each case fails on a bare server, or guards what halfclose itself could break', () => {
  const faults = cases.flatMap((one) => {
    const fault = wronglyMarked(one, bareLetters(one.id))
    return fault === undefined ? [] : [`${one.id}: ${fault}`]
  })
  expect(faults).toEqual([])
})

describe(`results.json, made by ${again}`, () => {
  it('has every case of the suite, with its rules, and no other', () => {
    expect(results.rules).toEqual(rulesOf)
    expect([...hosts.cases, ...hosts.newest].sort()).toEqual([...hostNames, ...h2HostNames].sort())
  })

  it.each(['20', '22', '24', '26'])(
    'has what every case did on Node %s, on each of its hosts, and with halfclose it passed',
    (major) => {
      for (const part of ['cases', 'newest'] as const) {
        const letters = Object.entries(results.nodes[major]?.[part] ?? {}).map(([id, found]) => {
          const [bare = '', halfclose = ''] = found.split(' ')
          return [id, `${bare.replaceAll(/[pfn]/g, 'x')} ${halfclose}`]
        })
        const there = part === 'cases' || Number(major) >= 24
        const wanted = cases.flatMap((one) => {
          const line = (letter: string) => hosts[part].map((name) => (one.on.has(name) ? letter : '-')).join('')
          return there && /x/.test(line('x')) ? [[one.id, `${line('x')} ${line('p')}`]] : []
        })
        expect(Object.fromEntries(letters)).toEqual(Object.fromEntries(wanted))
      }
    },
  )
})

it('docs/conformance.md is what render.mjs makes of it: node test/conformance/render.mjs write', () => {
  const rendered = execFileSync(process.execPath, [join(__dirname, 'render.mjs')], { encoding: 'utf8', maxBuffer: 1 << 24 })
  expect(readFileSync(join(root, 'docs/conformance.md'), 'utf8') === rendered).toBe(true)
})

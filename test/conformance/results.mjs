// What the contract suite found: results.json, written by scripts/matrix.mjs.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('results.json', import.meta.url)

export const nodes = ['20', '22', '24', '26']
/** The letters of a case are in this order. */
const http1 = ['http', 'https', 'express4', 'express5', 'fastify4', 'fastify5']
const http2 = ['http2', 'https2', 'https2and1', 'express4h2and1', 'express5h2and1', 'fastify4h2', 'fastify5h2', 'fastify5h2and1']
/** Only on Node 24 and later; their letters stand apart, under `newest`. */
const newest = ['fastify6', 'fastify6h2', 'fastify6h2and1']
const older = [...http1, ...http2]
export const hosts = [...older, ...newest]

export const runsOn = (host, major) => Number(major) >= 24 || !newest.includes(host)

/** p: passed; f: failed; n: asks for what only halfclose has, its handle; -: not for this host. */
export function letterOf(result) {
  if (result === 'pass') return 'p'
  return result.includes('a bare host has no policy to ask') ? 'n' : 'f'
}

/** `{ rules: { case: [rule] }, nodes: { major: { version, cases: { case: { bare: letters, halfclose: letters } } } } }` */
export function read() {
  let stored = { rules: {}, nodes: {} }
  try {
    stored = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  const rules = map(stored.rules, (list) => list.split(' '))
  const parsed = map(stored.nodes, ({ version, cases, newest: more = {} }) => ({
    version,
    cases: Object.fromEntries(
      [...new Set([...Object.keys(cases), ...Object.keys(more)])].map((id) => {
        // A host may have been added since they were written.
        const [bare, halfclose] = (cases[id] ?? ' ').split(' ').map((each) => each.padEnd(older.length, '-'))
        const [newBare, newHalfclose] = (more[id] ?? ' ').split(' ').map((each) => each.padEnd(newest.length, '-'))
        return [id, { bare: bare + newBare, halfclose: halfclose + newHalfclose }]
      }),
    ),
  }))
  return { rules, nodes: parsed }
}

export function write({ rules, nodes: found }) {
  const part = (cases, from, to) => {
    const letters = map(cases, ({ bare, halfclose }) => `${bare.slice(from, to)} ${halfclose.slice(from, to)}`)
    return sorted(Object.fromEntries(Object.entries(letters).filter(([, each]) => /\w/.test(each))))
  }
  const stored = {
    hosts: older.join(' '),
    newest: newest.join(' '),
    letters: 'bare halfclose; p passed, f failed, n asks for what only halfclose has, - not for this host',
    rules: sorted(map(rules, (list) => list.join(' '))),
    nodes: sorted(
      map(found, ({ version, cases }, major) => ({
        version,
        cases: part(cases, 0, older.length),
        ...(runsOn(newest[0], major) && { newest: part(cases, older.length) }),
      })),
    ),
  }
  writeFileSync(file, `${JSON.stringify(stored, undefined, 2)}\n`)
}

/** What the bare hosts did on one Node: `{ case: { host: letter } }`, without those that a case is not for. */
export function bareOn({ nodes: known }, major) {
  return map(known[major]?.cases ?? {}, ({ bare }) =>
    Object.fromEntries(hosts.map((host, index) => [host, bare[index]]).filter(([, letter]) => letter !== '-')),
  )
}

/** How many cases one run has, as far as is known. */
export function countOf({ nodes: known }, { major, mode, hosts: onHosts, cases: pattern }) {
  const wanted = Object.entries(known[major]?.cases ?? {}).filter(([id]) => isAsked(id, pattern))
  return wanted.flatMap(([, letters]) => onHosts.filter((host) => letters[mode][hosts.indexOf(host)] !== '-')).length
}

const isAsked = (id, pattern) => pattern === undefined || new RegExp(pattern).test(`${id}: `)

/** Takes in what one run found; what it looked for and did not find is no longer there. */
export function merge({ rules, nodes: known }, { major, version, mode, hosts: onHosts, cases: pattern, found }) {
  const none = '-'.repeat(hosts.length)
  const cases = { ...known[major]?.cases }
  const set = (id, host, letter) => {
    const letters = [...(cases[id]?.[mode] ?? none)]
    letters[hosts.indexOf(host)] = letter
    cases[id] = { bare: none, halfclose: none, ...cases[id], [mode]: letters.join('') }
  }
  for (const id of Object.keys(cases).filter((each) => isAsked(each, pattern))) for (const host of onHosts) set(id, host, '-')
  for (const { id, host, letter } of found) set(id, host, letter)
  const left = Object.entries(cases).filter(([, { bare, halfclose }]) => bare !== none || halfclose !== none)
  const all = { ...known, [major]: { version, cases: Object.fromEntries(left) } }
  const named = { ...rules, ...Object.fromEntries(found.map((one) => [one.id, one.rules])) }
  const there = Object.entries(named).filter(([id]) => Object.values(all).some((one) => id in one.cases))
  return { rules: Object.fromEntries(there), nodes: all }
}

function map(object, change) {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]))
}

function sorted(object) {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}

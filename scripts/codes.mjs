// docs/codes.md: the codes and their order come from the source, the explanations from docs/codes.yaml. `write` writes the tables, `check` tells whether they are
// up to date; without either they are printed.
import { readFileSync, writeFileSync } from 'node:fs'
import { parse } from 'yaml'

const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const CODES = 'packages/core/src/errors/codes.ts'
const EVENTS = 'packages/core/src/events/types.ts'

/** [the part of codes.yaml, the type in the source, where it is]. */
const PARTS = [
  ['errors', 'ErrorCode', CODES],
  ['warnings', 'WarningCode', CODES],
  ['closeReasons', 'CloseReason', EVENTS],
  ['promisesBroken', 'PromiseBreaker', EVENTS],
]

/** The members of a union of strings, in their order. */
export function membersOf(type, file) {
  const union = new RegExp(`export type ${type} =((?:\\s*\\|?\\s*'[\\w-]+')+)`).exec(read(file))?.[1]
  if (union === undefined) throw new Error(`${file} has no type ${type} that is a union of strings`)
  return [...union.matchAll(/'([\w-]+)'/g)].map(([, member]) => member)
}

export function tableOf(part) {
  const [, type, file] = PARTS.find(([name]) => name === part)
  const texts = parse(read('docs/codes.yaml'))[part]
  const members = membersOf(type, file)
  const missing = members.filter((member) => !texts[member]?.when || !texts[member]?.fix)
  const stale = Object.keys(texts).filter((member) => !members.includes(member))
  if (missing.length > 0) throw new Error(`docs/codes.yaml explains nothing of these, under \`${part}\`: ${missing.join(', ')}`)
  if (stale.length > 0) throw new Error(`docs/codes.yaml explains what is not in ${file}, under \`${part}\`: ${stale.join(', ')}`)
  const cell = (text) => text.trim().replaceAll(/\s+/g, ' ').replaceAll('|', '\\|')
  const rows = members.map((member) => `| \`${member}\` | ${cell(texts[member].when)} | ${cell(texts[member].fix)} |`)
  return ['| code | when it comes | what to do |', '|---|---|---|', ...rows].join('\n')
}

export function rendered(page) {
  return PARTS.reduce((text, [part]) => {
    const place = new RegExp(`(<!-- codes: ${part}[^\\n]*-->\\n)[\\s\\S]*?(<!-- /codes -->)`)
    if (!place.test(text)) throw new Error(`docs/codes.md has no place for \`${part}\``)
    return text.replace(place, (_, open, close) => `${open}\n${tableOf(part)}\n\n${close}`)
  }, page)
}

const mode = process.argv[2]
const before = read('docs/codes.md')
const after = rendered(before)
if (mode === 'write') writeFileSync(new URL('../docs/codes.md', import.meta.url), after)
else if (mode === 'check') {
  if (before !== after) {
    console.error('the tables in docs/codes.md are stale: node scripts/codes.mjs write')
    process.exitCode = 1
  }
} else for (const [part] of PARTS) console.log(`${tableOf(part)}\n`)

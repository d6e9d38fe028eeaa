import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.join(__dirname, '../..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

const types = read('packages/core/src/errors/codes.ts')
const tables = read('docs/codes.md')

/** The members of one of the unions in codes.ts. */
function codesOf(type: string): string[] {
  const union = new RegExp(`export type ${type} =\\n((?: {2}\\| '\\w+'\\n)+)`).exec(types)?.[1] ?? ''
  return [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code)
}

/** The rows of the table under one of the headings of docs/codes.md that say of the code when it comes and what to do. */
function explainedUnder(heading: string): string[] {
  const section = tables.split(/^## /m).find((part) => part.startsWith(heading)) ?? ''
  return [...section.matchAll(/^\| `(\w+)` \| [^|]{10,} \| [^|]{5,} \|$/gm)].map(([, code = '']) => code)
}

test.each([
  ['ErrorCode', 'Errors'],
  ['WarningCode', 'Warnings'],
])('each %s has its row in docs/codes.md, under %s, and each row its code', (type, heading) => {
  expect(codesOf(type).length).toBeGreaterThan(5)
  expect(explainedUnder(heading)).toEqual(codesOf(type))
})

test('each code is in use', () => {
  const sources = readdirSync(path.join(root, 'packages'))
    .flatMap((name) =>
      readdirSync(path.join(root, `packages/${name}/src`), { encoding: 'utf8', recursive: true }).map(
        (file) => `packages/${name}/src/${file}`,
      ),
    )
    .filter((file) => file.endsWith('.ts') && file !== 'packages/core/src/errors/codes.ts')
    .map(read)
    .join('\n')
  const unused = [...codesOf('ErrorCode'), ...codesOf('WarningCode')].filter((code) => !sources.includes(`'${code}'`))
  expect(unused).toEqual([])
})

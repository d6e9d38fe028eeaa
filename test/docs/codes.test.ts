import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

const root = path.join(__dirname, '../..')
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8')

const types = read('packages/core/src/errors/codes.ts')

/** The members of one of the unions in codes.ts. */
function codesOf(type: string): string[] {
  const union = new RegExp(`export type ${type} =\\n((?: {2}\\| '\\w+'\\n)+)`).exec(types)?.[1] ?? ''
  return [...union.matchAll(/'(\w+)'/g)].map(([, code = '']) => code)
}

test('the tables in docs/codes.md are what `node scripts/codes.mjs write` makes of the source', () => {
  execFileSync(process.execPath, [path.join(root, 'scripts/codes.mjs'), 'check'], { stdio: 'pipe' })
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

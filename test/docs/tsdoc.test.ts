import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

// What an editor shows of a public name is its doc comment: every exported name, and every member of an exported interface or class, has one. Read
// from the declarations that are published: `npm run build` first.

const root = path.join(__dirname, '../..')
const ENTRIES = [
  'packages/core/dist/types/index.d.ts',
  'packages/core/dist/types/adapter/index.d.ts',
  'packages/core/dist/types/cluster/index.d.ts',
  'packages/core/dist/types/metrics/index.d.ts',
  'packages/core/dist/types/view/index.d.ts',
  'packages/core/dist/register.d.mts',
  'packages/express/dist/types/index.d.ts',
  'packages/fastify/dist/types/index.d.ts',
  'packages/probe/dist/types/index.d.ts',
  'packages/probe/dist/types/wire/index.d.ts',
]

/** Whether a name of a file is public there. */
type Wanted = (name: string) => boolean
const all: Wanted = () => true

/** The names that a file declares or passes on, in order, without a doc comment: `types.d.ts: Stats.open`. */
function undocumented(file: string, wanted: Wanted, seen: Map<string, Set<string>> = new Map()): string[] {
  const missing: string[] = []
  const done = seen.get(file) ?? new Set<string>()
  seen.set(file, done)
  const lines = readFileSync(file, 'utf8').split('\n')
  let inside: string | undefined
  lines.forEach((line, at) => {
    const from = /^export (?:type )?(\*|\{.*\}) from '(\..*)';?$/.exec(line)
    if (from !== null) {
      const [, names = '', target = ''] = from
      const list =
        names === '*'
          ? undefined
          : new Set(
              names
                .slice(1, -1)
                .split(',')
                .map((name) => name.trim().replace(/^type /, '')),
            )
      missing.push(
        ...undocumented(declarationsOf(file, target), (name) => (list === undefined ? wanted(name) : list.has(name)), seen),
      )
      return
    }
    const declared = /^export (?:declare )?(?:abstract )?(?:interface|class|type|function|const) (\w+)/.exec(line)?.[1]
    if (declared !== undefined) {
      inside =
        /^export (?:declare )?(?:interface|class) /.test(line) && wanted(declared) && !done.has(declared) ? declared : undefined
      if (wanted(declared) && !done.has(declared) && !isDocumented(lines, at)) missing.push(`${path.basename(file)}: ${declared}`)
      if (wanted(declared)) done.add(declared)
    } else if (line.startsWith('}')) inside = undefined
    const member = /^ {4}(?:static |readonly |get )*(\w+)\??[:(<]/.exec(line)?.[1]
    if (inside !== undefined && member !== undefined && member !== 'constructor' && !isDocumented(lines, at))
      missing.push(`${path.basename(file)}: ${inside}.${member}`)
  })
  return missing
}

function isDocumented(lines: readonly string[], at: number): boolean {
  const before = lines[at - 1]?.trim() ?? ''
  const overloaded = nameOfFunction(lines[at] ?? '')
  return before.endsWith('*/') || (overloaded !== undefined && overloaded === nameOfFunction(before))
}

function nameOfFunction(line: string): string | undefined {
  return /^export declare function (\w+)/.exec(line)?.[1]
}

function declarationsOf(file: string, target: string): string {
  const name = target.replace(/\.[cm]?js$/, '')
  const found = [`${name}.d.ts`, `${name}.d.mts`].map((each) => path.join(path.dirname(file), each)).find(existsSync)
  if (found === undefined) throw new Error(`${file}: ${target} has no declarations`)
  return found
}

test.each(ENTRIES)('every public name of %s has a doc comment', (entry) => {
  expect(undocumented(path.join(root, entry), all)).toEqual([])
})

test('a name without one is found, also behind another file', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'halfclose-tsdoc-'))
  try {
    const entry = path.join(folder, 'index.d.ts')
    writeFileSync(
      entry,
      "export type * from './types.js';\nexport { type Chosen } from './more.js';\n/** f */\nexport declare function f(): void;\n",
    )
    writeFileSync(
      path.join(folder, 'types.d.ts'),
      'export interface A {\n    /** b */\n    readonly b: number;\n    c?: number;\n}\n',
    )
    writeFileSync(path.join(folder, 'more.d.ts'), 'export type Chosen = 1;\nexport type Hidden = 1;\n')
    expect(undocumented(entry, all)).toEqual(['types.d.ts: A', 'types.d.ts: A.c', 'more.d.ts: Chosen'])
  } finally {
    rmSync(folder, { recursive: true })
  }
})

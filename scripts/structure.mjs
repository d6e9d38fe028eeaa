// The structure of the sources, checked by `npm run lint`: imports run one way, down the order below, and never in a circle; types count as well.
// `node scripts/structure.mjs --tree` prints what each folder of the core imports.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { packages, root } from './steps.mjs'

/** From top to bottom. A file imports from its own folder, or from what stands further down. Files at the top of `src` have an entry of their own. */
const ORDER = [
  ['index.ts', 'register.ts', 'cluster'],
  ['adapter'],
  ['metrics', 'view'],
  ['process'],
  ['handle'],
  ['types.ts'],
  ['drain'],
  ['server'],
  ['http2', 'http1'],
  ['socket'],
  ['policy.ts'],
  ['options'],
  ['events'],
  ['http'],
  ['node'],
  ['errors'],
]
/** Entries at the top of the core's `src`. */
const ENTRIES_AT_MOST = 20

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b[^'"]*?\bfrom\s*'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'\s*\)|(?:^|\n)import\s*'(\.[^']+)'/g

/** Every source file of a package, and the files that it imports. */
function importsOf(folder) {
  const names = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'))
  return new Map(
    names.map((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      const found = [...text.matchAll(IMPORT)].map(([, from, dynamic, bare]) => from ?? dynamic ?? bare)
      return [name, found.map((path) => relative(folder, join(folder, dirname(name), path)).replace(/\.js$/, '.ts'))]
    }),
  )
}

/** The circles among `edges`, each once: strongly connected components of more than one member (Tarjan). */
function circlesOf(edges) {
  const [index, low, stack, circles] = [new Map(), new Map(), [], []]
  const visit = (node) => {
    index.set(node, index.size)
    low.set(node, index.get(node))
    stack.push(node)
    for (const next of edges.get(node) ?? []) {
      if (!edges.has(next)) continue
      if (!index.has(next)) visit(next)
      if (stack.includes(next)) low.set(node, Math.min(low.get(node), low.get(next)))
    }
    if (low.get(node) !== index.get(node)) return
    const circle = stack.splice(stack.indexOf(node))
    if (circle.length > 1) circles.push(circle)
  }
  for (const node of edges.keys()) if (!index.has(node)) visit(node)
  return circles
}

const entryOf = (file) => file.split('/')[0]
const floorOf = (entry) => ORDER.findIndex((floor) => floor.includes(entry))

function faultsOfOrder(imports) {
  const faults = []
  for (const [file, targets] of imports) {
    const from = entryOf(file)
    if (floorOf(from) < 0) faults.push(`${file}: ${from} has no place in the order of scripts/structure.mjs`)
    for (const target of targets) {
      const to = entryOf(target)
      if (from !== to && floorOf(to) <= floorOf(from)) faults.push(`${file} imports ${target}, which does not stand below it`)
    }
  }
  return faults
}

const faults = []
for (const name of packages) {
  const imports = importsOf(join(root, 'packages', name, 'src'))
  for (const circle of circlesOf(imports)) faults.push(`${name}: a circle of ${circle.length} files: ${circle.join(', ')}`)
  if (name !== 'core') continue
  faults.push(...faultsOfOrder(imports))
  const entries = new Set([...imports.keys()].map(entryOf))
  if (entries.size > ENTRIES_AT_MOST) faults.push(`core: ${entries.size} entries at the top of src, at most ${ENTRIES_AT_MOST}`)
  if (process.argv.includes('--tree')) printTree(imports)
}
for (const fault of faults) console.error(fault)
process.exit(faults.length > 0 ? 1 : 0)

function printTree(imports) {
  const entries = ORDER.flat().filter((entry) => [...imports.keys()].some((file) => entryOf(file) === entry))
  for (const entry of entries) {
    const files = [...imports].filter(([file]) => entryOf(file) === entry)
    const below = new Set(files.flatMap(([, targets]) => targets.map(entryOf)).filter((target) => target !== entry))
    console.log(`${entry.padEnd(14)} ${String(files.length).padStart(3)} files  imports ${[...below].join(', ') || 'nothing'}`)
  }
}

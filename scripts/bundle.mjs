// What a package publishes: its code once, as one CommonJS file without comments; thin ES modules over it; and its types once, for both.
// So an application that loads a package by `import` and by `require` has one copy of it.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { minify } from 'terser'
import { root } from './steps.mjs'

/** The entries of a package, by the names of their files in `src`: the subpaths of its `exports`. */
const ENTRIES = {
  core: {
    index: 'index',
    adapter: 'adapter/index',
    cluster: 'cluster/index',
    metrics: 'metrics/index',
    view: 'view/index',
    register: 'register',
  },
  fastify: { index: 'index' },
  express: { index: 'index' },
  probe: { index: 'index', wire: 'wire/index', cli: 'cli' },
}
/** Packages that are a program first: ES modules only, and those share what they have in common. */
const MODULES_ONLY = new Set(['probe'])
/** Packages whose CommonJS entry is the plugin itself: `const halfclose = require('@halfclose/express')`. */
const CALLABLE = new Set(['fastify', 'express'])
/** Entries that export nothing, and are loaded for what they do: call the one function that their file has. */
const RUN = new Set(['register'])

/** Declarations that no entry exports: they are packed without their comments. */
const OWN = new Set(['handle/adapter-connections.d.ts', 'http/messages.d.ts'])

const GENERATED = '// Made by scripts/bundle.mjs.\n'
const options = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  packages: 'external',
  legalComments: 'none',
  // What was an ES module is strict; a CommonJS file has to say so.
  banner: { js: '"use strict"' },
  charset: 'utf8',
  write: false,
  logLevel: 'warning',
  define: { 'Number.POSITIVE_INFINITY': 'Infinity' },
}

/** A third of what is packed. Methods keep their names, and so do the errors that people see: by those one reads a stack trace. */
const smaller = { minify: true }

/**
 * Over 2 kB less of what is packed; functions that stand together are compressed better. No function is written into another one, and no value to where it is used: a request would cost 8 % more instructions
 * (`npm run bench -- --only instructions`).
 */
const smallest = {
  ecma: 2020,
  compress: { passes: 3, toplevel: true, inline: false, reduce_funcs: false, collapse_vars: false, hoist_funs: true },
  mangle: { toplevel: true },
}

/**
 * Where an error is not caught, Node prints the line of the code that threw it above the message: here that would be all of the bundle. It does not do
 * so for a line with this text in it (`GetErrorSource` in Node's src/node_errors.cc). The bundle is one line, so it needs this once.
 */
const WITHOUT_ITS_LINE = '/*node-do-not-add-exception-line*/'

/**
 * Programs that are sent elsewhere as strings: the script of the view's page, and the relay of the main thread. Nothing else would make a string smaller, and
 * a bundler of the application may change a function. The page's headers have a hash of the script: both are of the same string.
 */
const PROGRAMS = { 'view/page-script.js': 'SCRIPT', 'process/thread-relay-script.js': 'RELAY' }
const programs = {
  name: 'programs',
  setup({ onLoad }) {
    for (const [file, constant] of Object.entries(PROGRAMS))
      onLoad({ filter: new RegExp(`${file}$`) }, async ({ path }) => {
        const { [constant]: program } = await import(pathToFileURL(path))
        const { code } = await minify(program, { ecma: 2020, compress: { passes: 3 } })
        return { contents: `export const ${constant} = ${JSON.stringify(code)}` }
      })
  },
}

/** Makes `dist/*.cjs`, `dist/*.mjs`, `dist/*.d.cts`, `dist/*.d.mts` and `dist/types` of what tsc has put into `dist/esm`. */
export async function bundle(name) {
  const folder = join(root, 'packages', name)
  const [dist, esm] = [join(folder, 'dist'), join(folder, 'dist/esm')]
  const entries = Object.entries(ENTRIES[name])
  if (MODULES_ONLY.has(name)) return modules(dist, esm, entries)
  const all = entries.map(([entry, file]) => `export * as ${entry} from './${file}.js'`).join('\n')
  const code = await build({
    ...options,
    ...smaller,
    format: 'cjs',
    plugins: [programs],
    stdin: { contents: all, resolveDir: esm },
  })
  const { code: small } = await minify(code.outputFiles[0].text, smallest)
  write(join(dist, 'bundle.cjs'), `${WITHOUT_ITS_LINE}${small}`)
  const exported = new Set()
  for (const [entry, file] of entries) {
    if (RUN.has(entry)) {
      write(join(dist, `${entry}.cjs`), `${GENERATED}'use strict'\nrequire('./bundle.cjs').${entry}.${entry}()\n`)
      write(join(dist, `${entry}.mjs`), `${GENERATED}import bundle from './bundle.cjs'\nbundle.${entry}.${entry}()\n`)
      for (const ending of ['cts', 'mts']) write(join(dist, `${entry}.d.${ending}`), `${GENERATED}export {}\n`)
      continue
    }
    const names = await namesOf(join(esm, `${file}.js`))
    for (const name of names) exported.add(name)
    write(join(dist, `${entry}.cjs`), commonJs(entry, names, CALLABLE.has(name)))
    write(join(dist, `${entry}.mjs`), esModule(entry, names))
    // Not `export { default }`: an ES module that imports a CommonJS one has all that it exports for its default.
    const standard = names.includes('default') ? `export { halfclose as default } from './types/${file}.js'\n` : ''
    const types = `export * from './types/${file}.js'\n${standard}`
    for (const ending of ['cts', 'mts']) write(join(dist, `${entry}.d.${ending}`), `${GENERATED}${types}`)
  }
  copyTypes(
    esm,
    join(dist, 'types'),
    entries.filter(([entry]) => !RUN.has(entry)).map(([, file]) => `${file}.d.ts`),
    'commonjs',
    (file, text) => withoutOwnFunctions(withoutCommentsOnOwn(file, text, exported), exported),
  )
}

/** Makes `dist/*.mjs`, `dist/*.d.mts` and `dist/types`. */
async function modules(dist, esm, entries) {
  const entryPoints = Object.fromEntries(entries.map(([entry, file]) => [entry, join(esm, `${file}.js`)]))
  const code = await build({
    ...options,
    banner: {},
    define: { PACKAGE_VERSION: JSON.stringify(JSON.parse(readFileSync(join(dist, '../package.json'), 'utf8')).version) },
    format: 'esm',
    splitting: true,
    entryPoints,
    outdir: dist,
    outExtension: { '.js': '.mjs' },
  })
  const made = code.outputFiles.map(({ path, text }) => {
    write(path, text)
    return basename(path)
  })
  // A chunk is named for its content: one of an older build would be published as well.
  for (const file of readdirSync(dist)) if (file.endsWith('.mjs') && !made.includes(file)) rmSync(join(dist, file))
  for (const [entry, file] of entries) write(join(dist, `${entry}.d.mts`), `${GENERATED}export * from './types/${file}.js'\n`)
  copyTypes(
    esm,
    join(dist, 'types'),
    entries.map(([, file]) => `${file}.d.ts`),
    'module',
  )
}

async function namesOf(file) {
  const { metafile } = await build({ ...options, format: 'esm', entryPoints: [file], metafile: true, outfile: 'out.js' })
  return metafile.outputs['out.js'].exports.sort()
}

function commonJs(entry, names, callable) {
  const lines = names.map((name) => `exports.${name} = entry.${name}`)
  const plugin = 'module.exports = Object.defineProperty(Object.assign(entry.halfclose, exports), "__esModule", { value: true })'
  return `${GENERATED}'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
const { ${entry}: entry } = require('./bundle.cjs')
${lines.join('\n')}
${callable ? `${plugin}\n` : ''}`
}

function esModule(entry, names) {
  const named = names.filter((name) => name !== 'default')
  const last = names.includes('default') ? 'export default entry.default\n' : ''
  return `${GENERATED}import bundle from './bundle.cjs'\nconst { ${entry}: entry } = bundle\nexport const { ${named.join(', ')} } = entry\n${last}`
}

/** What no entry exports is for halfclose's own code. */
function withoutCommentsOnOwn(file, text, exported) {
  if (OWN.has(file)) return text.replace(/^ *\/\*\*.*?\*\/\n/gms, '')
  return text.replace(/^\/\*\*(?:(?!\*\/).)*\*\/\n(?=export declare (?:function|const|class) (\w+))/gms, (comment, name) =>
    exported.has(name) ? comment : '',
  )
}

/** No declaration that is packed refers to a function. */
function withoutOwnFunctions(text, exported) {
  return text.replace(/^export declare function (\w+)[^\n]*;\n/gm, (whole, name) => (exported.has(name) ? whole : ''))
}

/** The declarations that `entries` reach, and no others. CommonJS ones may be imported by an ES module as well. */
function copyTypes(from, to, entries, type, packed = (_file, text) => text) {
  const reached = new Set()
  const visit = (file) => {
    if (reached.has(file)) return
    reached.add(file)
    const text = readFileSync(join(from, file), 'utf8')
    for (const [, path] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.js['"]/g)) {
      visit(relative(from, join(from, dirname(file), `${path}.d.ts`)))
    }
    write(join(to, file), packed(file, text))
  }
  for (const file of entries) visit(file)
  write(join(to, 'package.json'), `{"type":"${type}"}\n`)
  for (const file of readdirSync(to, { recursive: true })) {
    if (file.endsWith('.d.ts') && !reached.has(file)) rmSync(join(to, file))
  }
}

/** Leaves a file alone that is so already: programs that run may be loading it. */
function write(file, content) {
  if (existsSync(file) && readFileSync(file, 'utf8') === content) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

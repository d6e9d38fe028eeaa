// What is installed.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export const title = 'Package size and dependencies'

const run_ = promisify(execFile)
const here = dirname(dirname(fileURLToPath(import.meta.url)))
const NAMES = [
  '@halfclose/core',
  '@halfclose/express',
  '@halfclose/fastify',
  'http-terminator',
  'stoppable',
  '@godaddy/terminus',
  'http-graceful-shutdown',
]

export async function run(_settings, say) {
  const rows = []
  for (const name of NAMES) {
    const folder = locate(name, here)
    const own = await sizeOf(folder)
    const all = dependenciesOf(folder)
    let withDependencies = own.unpacked
    for (const one of all) withDependencies += (await sizeOf(one)).unpacked
    rows.push({ name, ...own, dependencies: all.size, withDependencies })
    say(`${name}: ${own.packed} bytes packed, ${all.size} dependencies`)
  }
  return {
    rows,
    note: 'Dependencies: all that are installed with it, theirs included. The optional ones and the peers, express and fastify, are not.',
  }
}

const sizes = new Map()

async function sizeOf(folder) {
  if (!sizes.has(folder)) {
    const { stdout } = await run_('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', folder], {
      cwd: here,
      maxBuffer: 2 ** 26,
    })
    const [{ version, size, unpackedSize }] = Object.values(JSON.parse(stdout))
    sizes.set(folder, { version, packed: size, unpacked: unpackedSize })
  }
  return sizes.get(folder)
}

function dependenciesOf(folder, found = new Set()) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    const one = locate(name, folder)
    if (found.has(one)) continue
    found.add(one)
    dependenciesOf(one, found)
  }
  return found
}

/** The folder of a package as `from` would resolve it. */
function locate(name, from) {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return realpathSync(candidate)
    if (folder === dirname(folder)) throw new Error(`${name} is not installed`)
  }
}

// What the commands share: a step prints its name and its time; one that fails prints its output and ends the run with its exit code.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = join(dirname(fileURLToPath(import.meta.url)), '..')
export const packages = ['core', 'fastify', 'express', 'probe']

export const tool = {
  tsc: 'node_modules/typescript/bin/tsc',
  biome: 'node_modules/@biomejs/biome/bin/biome',
  jest: 'node_modules/jest/bin/jest.js',
  publint: 'node_modules/publint/src/cli.js',
  attw: 'node_modules/@arethetypeswrong/cli/dist/index.js',
}

export async function step(name, work, { live = false } = {}) {
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
  process.stdout.write(live ? `${name} …\n` : `${name.padEnd(46)} `)
  try {
    const note = await work()
    console.log(`${live ? `${name.padEnd(46)} ` : ''}${seconds()}${typeof note === 'string' ? `  (${note})` : ''}`)
  } catch (error) {
    console.log(`${live ? `${name} ` : ''}FAILED after ${seconds()}`)
    console.error(error.output ?? error.stack)
    process.exit(error.exitCode || 1)
  }
}

/** Runs a command to its end. Its output is kept and shown only when it fails, unless it is `live`. */
export function run(command, args, { cwd = root, env = process.env, live = false, timeout } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, timeout, stdio: live ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text) => (output += text))
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      if (exitCode === 0) return resolve()
      const line = `${command} ${args.join(' ')}: ${signal ? `ended by ${signal}` : `exit code ${exitCode}`}`
      reject(Object.assign(new Error(line), { output: `${output.trimEnd()}\n${line}`.trimStart(), exitCode }))
    })
  })
}

/** The node that runs this script also runs the tools, so that another Node can be tried with `npx -p node@24 node scripts/test.mjs`. */
export const node = (args, options) => run(process.execPath, args, options)

export function pnpm(args, options) {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  return run('npx', ['--yes', '--package', packageManager, 'pnpm', ...args], options)
}

export function hash(...contents) {
  const sum = createHash('sha256')
  for (const content of contents) sum.update(content).update('\0')
  return sum.digest('hex').slice(0, 16)
}

/** Does the work only if the file `stamp` does not say that it was done for this very key. */
export async function unlessStamped(stamp, key, work) {
  const before = read(stamp)
  if (before === key) return 'unchanged'
  if (before !== '') writeFileSync(stamp, '')
  await work()
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(stamp, key)
}

export function install() {
  const projects = ['packages', 'examples'].flatMap((folder) =>
    readdirSync(join(root, folder)).map((name) => `${folder}/${name}/package.json`),
  )
  const manifests = [
    'package.json',
    'pnpm-workspace.yaml',
    'pnpm-lock.yaml',
    'bench/package.json',
    'site/package.json',
    ...projects,
  ]
  const key = hash(process.platform, process.arch, ...manifests.map((file) => read(join(root, file))))
  return step('install', () =>
    unlessStamped(join(root, 'node_modules/.halfclose-installed'), key, () => pnpm(['install', '--frozen-lockfile'])),
  )
}

export function build() {
  return step('build', async () => {
    // esbuild is loaded here, since it is there only after the install, and before anything is removed.
    const { bundle } = await import('./bundle.mjs')
    const folders = packages.map((name) => join(root, 'packages', name))
    for (const folder of folders) {
      // tsc leaves the output of a source that has gone, and it would be published: then all is built anew.
      const sources = `${readdirSync(join(folder, 'src'), { recursive: true }).sort().join('\n')}\n`
      const built = join(folder, 'dist/.sources')
      if (read(built) === sources) continue
      rmSync(join(folder, 'dist'), { recursive: true, force: true })
      mkdirSync(join(folder, 'dist'), { recursive: true })
      writeFileSync(built, sources)
    }
    // The adapters' types come from what the core publishes.
    for (const name of packages) {
      await node([tool.tsc, '-b', `packages/${name}`])
      await bundle(name)
    }
  })
}

export function tarballs(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.tgz'))
    .map((file) => join(folder, file))
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

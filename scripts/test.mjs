// `npm test`: everything that must hold before a commit. Arguments go to jest: `npm test -- packages/core`, `npm test -- --coverage`; `-- --slowest`
// prints the ten slowest tests and files; `-- --again` names the files of which a test failed, and plays them once more with nothing beside them;
// `-- --programs` installs what tests need of other programs, while it builds and checks.
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { build, install, node, root, run, step, tool } from './steps.mjs'

const began = performance.now()
const asked = (option) => process.argv.includes(option)
const forJest = process.argv.slice(2).filter((argument) => !['--slowest', '--again', '--programs'].includes(argument))
const coverage = join(root, 'coverage')
const report = join(coverage, 'jest.json')
rmSync(coverage, { recursive: true, force: true }) // no counts of an earlier run
mkdirSync(coverage) // jest writes its report into it, and makes it only where it counts coverage
// The package manager mostly waits for its servers.
const programs = asked('--programs') ? run('bash', [join(root, 'test/clients/install.sh')], { live: true }) : Promise.resolve()
programs.catch(() => {})

await install()
await build()
await step('lint', () => node([tool.biome, 'check', '--error-on-warnings', '--diagnostic-level=warn', '.']))
await step('structure of the sources', () => node([join(root, 'scripts/structure.mjs')]))
await step('docs/comparison.md is up to date', () => node([join(root, 'test/contract/render.mjs'), 'check']))
await step('package.json of each package', () => node([join(root, 'scripts/manifests.mjs'), 'check']))
await step('type check: sources, tests, examples', () => node([tool.tsc, '-p', 'tsconfig.test.json']))
// Its programs mostly wait for a registry, and most tests wait as well: they wait side by side.
const packed = node([join(root, 'scripts/pack-check.mjs'), '--built']).catch((error) => error)
if (asked('--programs')) await step('programs that tests need', () => programs)
await step('jest', () => playAll().finally(printSlowest), { live: true })
await step('packed tarballs', async () => {
  const failed = await packed
  if (failed !== undefined) throw failed
})
console.log(`all done in ${((performance.now() - began) / 1000).toFixed(1)} s`)

async function playAll() {
  const jest = (file, ...more) => node([tool.jest, '--json', `--outputFile=${file}`, ...more], { live: true })
  try {
    await jest(report, ...forJest)
  } catch (error) {
    if (!asked('--again')) throw error
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
    const failed = testResults.filter(({ status }) => status === 'failed').map(({ name }) => relative(root, name))
    console.log(`\nagain, alone, since something failed there: ${failed.join(' ')}\n`)
    await jest(join(coverage, 'jest-again.json'), '--maxWorkers=1', '--runTestsByPath', ...failed)
  }
}

function printSlowest() {
  if (!asked('--slowest')) return
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const files = testResults.map(({ name, startTime, endTime }) => ({ ms: endTime - startTime, what: relative(root, name) }))
  const tests = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ duration, fullName }) => ({ ms: duration ?? 0, what: `${relative(root, name)}: ${fullName}` })),
  )
  for (const [title, rows] of Object.entries({ files, tests })) {
    console.log(`\nthe slowest ${title}`)
    const ten = rows.sort((a, b) => b.ms - a.ms).slice(0, 10)
    for (const { ms, what } of ten) console.log(`${(ms / 1_000).toFixed(1).padStart(7)} s  ${what.slice(0, 150)}`)
  }
  console.log()
}

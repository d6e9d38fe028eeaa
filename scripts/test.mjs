// `npm test`: everything that must hold before a commit. Arguments go to jest: `npm test -- packages/core`; `-- --slowest` prints the ten slowest tests
// and files.
import { readFileSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { packCheck } from './pack-check.mjs'
import { build, install, node, root, step, tool } from './steps.mjs'

const began = performance.now()
const slowest = process.argv.includes('--slowest')
const forJest = process.argv.slice(2).filter((argument) => argument !== '--slowest')
const report = join(root, 'coverage/jest.json')
rmSync(join(root, 'coverage'), { recursive: true, force: true }) // no counts of an earlier run

await install()
await build()
await step('lint', () => node([tool.biome, 'check', '--error-on-warnings', '--diagnostic-level=warn', '.']))
await step('structure of the sources', () => node([join(root, 'scripts/structure.mjs')]))
await step('docs/comparison.md is up to date', () => node([join(root, 'test/contract/render.mjs'), 'check']))
await step('package.json of each package', () => node([join(root, 'scripts/manifests.mjs'), 'check']))
await step('type check: sources, tests, examples', () => node([tool.tsc, '-p', 'tsconfig.test.json']))
await step(
  'jest',
  () => node([tool.jest, '--coverage', '--json', `--outputFile=${report}`, ...forJest], { live: true }).finally(printSlowest),
  { live: true },
)
await packCheck()
console.log(`all done in ${((performance.now() - began) / 1000).toFixed(1)} s`)

function printSlowest() {
  if (!slowest) return
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

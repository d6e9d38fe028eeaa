// `npm test`: everything that must hold before a commit. Arguments go to jest: `npm test -- packages/core`.
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { packCheck } from './pack-check.mjs'
import { build, install, node, root, step, tool } from './steps.mjs'

const began = performance.now()
rmSync(join(root, 'coverage'), { recursive: true, force: true }) // no counts of an earlier run

await install()
await build()
await step('lint', () => node([tool.biome, 'check', '--error-on-warnings', '--diagnostic-level=warn', '.']))
await step('README is up to date', () => node([join(root, 'test/contract/render.mjs'), 'check']))
await step('package.json of each package', () => node([join(root, 'scripts/manifests.mjs'), 'check']))
await step('type check: sources, tests, examples', () => node([tool.tsc, '-p', 'tsconfig.test.json']))
await step(
  'jest',
  () => node([tool.jest, '--coverage', '--json', '--outputFile=coverage/jest.json', ...process.argv.slice(2)], { live: true }),
  { live: true },
)
await packCheck()
console.log(`all done in ${((performance.now() - began) / 1000).toFixed(1)} s`)

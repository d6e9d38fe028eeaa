// The last line of .ci/run: what jest counted in the run before, from its own report.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './steps.mjs'

let counted = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, numRuntimeErrorTestSuites: 0 }
try {
  counted = JSON.parse(readFileSync(join(root, 'coverage/jest.json'), 'utf8'))
} catch {
  console.log('jest did not run')
}
const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, numRuntimeErrorTestSuites } = counted
const skipped = numPendingTests + numTodoTests
// A file that did not even load counts as one failed test.
console.log(
  `${numPassedTests} passed, ${numFailedTests + numRuntimeErrorTestSuites} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`,
)

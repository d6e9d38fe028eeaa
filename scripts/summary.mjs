// The last line of .ci/run: what jest counted in the run before, from its own report, and what the matrix counted on the other Nodes.
import { readdirSync, readFileSync } from 'node:fs'
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
let [passed, failed] = [numPassedTests, numFailedTests + numRuntimeErrorTestSuites]
for (const matrix of matrixCounts()) {
  passed += matrix.passed
  failed += matrix.failed
}
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)

function matrixCounts() {
  const folder = join(root, 'coverage/matrix')
  try {
    return readdirSync(folder).map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  } catch {
    console.log('the matrix did not run')
    return []
  }
}

// The last line of .ci/run: what jest counted in the run before, from its own report, and what the matrix counted on the other Nodes.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './steps.mjs'

const nothing = {
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  numRuntimeErrorTestSuites: 0,
  testResults: [],
}
const counted = reportOf('jest') ?? nothing
if (counted === nothing) console.log('jest did not run')
const { numPassedTests, numPendingTests, numTodoTests, testResults } = counted
const skipped = numPendingTests + numTodoTests
// Of what failed, the second run counts, in which nothing was beside it.
const failures = failuresOf(counted)
let failed = failuresOf(reportOf('jest-again') ?? counted)
let passed = numPassedTests + Math.max(0, failures - failed)
for (const matrix of matrixCounts()) {
  passed += matrix.passed
  failed += matrix.failed
}
const again = testResults.flatMap(({ assertionResults }) => assertionResults.filter(({ invocations }) => invocations > 1))
if (again.length > 0) {
  console.log(`${again.length} tests failed while the machine stood still, and were played again:`)
  for (const { fullName, invocations, status } of again)
    console.log(`  ${fullName.slice(0, 110)}: ${status} at the ${invocations}. time`)
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

function reportOf(name) {
  try {
    return JSON.parse(readFileSync(join(root, `coverage/${name}.json`), 'utf8'))
  } catch {
    return undefined
  }
}

/** A file that did not even load counts as one failed test. */
function failuresOf({ numFailedTests, numRuntimeErrorTestSuites }) {
  return numFailedTests + numRuntimeErrorTestSuites
}

// What a run of .ci/run came to: the counts and the failures, from the reports that jest and the matrix have left in a folder.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/** Lines of a failure's message. */
const LINES = 14

/** @typedef {{ name: string, why: string }} Failure */

/**
 * @param {string} folder `coverage`
 * @returns {{ passed: number, skipped: number, failures: { jest: Failure[], matrix: Failure[] }, late: string[] }} late: tests that were played again
 */
export function readReports(folder) {
  const jest = reportOf(join(folder, 'jest.json'))
  // Of what failed, the second run counts, in which nothing was beside it.
  const again = reportOf(join(folder, 'jest-again.json')) ?? jest
  const runs = matrixOf(join(folder, 'matrix'))
  const [before, after] = [jest, again].map((report) => (report === undefined ? [] : jestFailures(report)))
  return {
    passed:
      (jest?.numPassedTests ?? 0) + Math.max(0, before.length - after.length) + runs.reduce((sum, run) => sum + run.passed, 0),
    skipped: (jest?.numPendingTests ?? 0) + (jest?.numTodoTests ?? 0),
    failures: { jest: after, matrix: runs.flatMap((run) => run.failures) },
    late: jest === undefined ? [] : playedAgain(jest),
  }
}

/** A file that did not even load is one failed test. */
function jestFailures({ testResults }) {
  return testResults.flatMap(({ name, message, status, assertionResults }) => {
    const failed = assertionResults.filter((one) => one.status === 'failed')
    if (failed.length === 0 && status === 'failed') return [{ name, why: firstLines(message) }]
    return failed.map(({ fullName, failureMessages }) => ({ name: fullName, why: firstLines(failureMessages.join('\n')) }))
  })
}

function playedAgain({ testResults }) {
  return testResults.flatMap(({ assertionResults }) =>
    assertionResults
      .filter(({ invocations }) => invocations > 1)
      .map(({ fullName, invocations, status }) => `${fullName.slice(0, 110)}: ${status} at the ${invocations}. time`),
  )
}

function matrixOf(folder) {
  try {
    const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
    return files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
}

function reportOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** @param {string} text */
export function firstLines(text) {
  return stripVTControlCharacters(text).trim().split('\n').slice(0, LINES).join('\n').slice(0, 2_000)
}

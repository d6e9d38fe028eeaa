// jest's reporter for scripts/matrix.mjs: it tells the process that started jest of each case that ends, and of each file what came of its cases. What a
// case came to is known only then: one that fails on a machine that stood still is played again (test/support/environment.mjs).

export default class {
  onTestCaseResult() {
    process.send({ ended: 1 })
  }

  onTestResult({ path }, { testResults, testExecError, failureMessage }) {
    const cases = testResults
      .filter(({ status }) => status !== 'pending')
      .map(({ title, status, failureMessages, invocations = 1 }) => ({
        title,
        passed: status === 'passed',
        why: failureMessages.join('\n'),
        invocations,
      }))
    if (testExecError) cases.push({ title: 'the file loads', passed: false, why: failureMessage ?? '', invocations: 1 })
    process.send({ file: path, cases })
  }
}

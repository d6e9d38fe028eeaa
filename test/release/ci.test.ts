import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

// scripts/ci.mjs on a copy, where the steps are stand-ins: what is at the end of its output, and its exit code.

const root = path.join(__dirname, '../..')

interface Steps {
  test: string
  matrix: string
  deploys: string
}

interface Told {
  status: string
  fullName: string
  invocations: number
  failureMessages: string[]
}
const passes = (title: string): Told => ({ status: 'passed', fullName: title, invocations: 1, failureMessages: [] })
const fails = (title: string): Told => ({
  ...passes(title),
  status: 'failed',
  failureMessages: ['\u001b[31mexpected FIN\u001b[39m\nat wire.ts'],
})
const report = (...assertionResults: Told[]) =>
  JSON.stringify({
    numPassedTests: assertionResults.filter(({ status }) => status === 'passed').length,
    numPendingTests: 2,
    numTodoTests: 0,
    testResults: [
      {
        name: 'a.test.ts',
        status: assertionResults.find(({ status }) => status === 'failed')?.status,
        message: '',
        assertionResults,
      },
    ],
  })
const leaves = (file: string, content: string) =>
  `require('node:fs').mkdirSync('coverage/matrix', { recursive: true }); require('node:fs').writeFileSync('coverage/${file}', ${JSON.stringify(content)});`
const exits = (code: number) => `process.exitCode = ${code};`
const prints = (line: string) => `console.log(${JSON.stringify(line)});`

const good: Steps = {
  test: leaves('jest.json', report(passes('one'), passes('two'))),
  matrix: leaves('matrix/24-halfclose.json', JSON.stringify({ passed: 10, failed: 0, failures: [] })),
  deploys: prints('kept'),
}

async function run(steps: Partial<Steps>): Promise<{ code: number; lines: string[] }> {
  const copy = mkdtempSync(path.join(tmpdir(), 'halfclose-ci-'))
  try {
    for (const folder of ['scripts', 'test/conformance']) mkdirSync(path.join(copy, folder), { recursive: true })
    for (const file of ['scripts/ci.mjs', 'scripts/summary.mjs', 'scripts/steps.mjs', 'test/conformance/results.mjs'])
      cpSync(path.join(root, file), path.join(copy, file))
    writeFileSync(path.join(copy, 'test/conformance/node-versions.mjs'), 'export const provideNode = async () => {}\n')
    const { test, matrix, deploys } = { ...good, ...steps }
    writeFileSync(path.join(copy, 'test.cjs'), test)
    writeFileSync(path.join(copy, 'package.json'), JSON.stringify({ scripts: { test: 'node test.cjs' } }))
    for (const [name, code] of Object.entries({ matrix, 'test-deploy': deploys }))
      writeFileSync(
        path.join(copy, `scripts/${name}.mjs`),
        `import { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url);${code}`,
      )
    return await new Promise((resolve) => {
      const child = execFile(process.execPath, ['scripts/ci.mjs'], { cwd: copy }, (_failed, stdout) =>
        resolve({ code: child.exitCode ?? -1, lines: stdout.trimEnd().split('\n') }),
      )
    })
  } finally {
    rmSync(copy, { recursive: true })
  }
}

describe('.ci/run', () => {
  it('ends with the times of its steps and the counts of all', async () => {
    const { code, lines } = await run({})
    expect(code).toBe(0)
    expect(lines.at(-1)).toBe('12 passed, 0 failed, 2 skipped')
    for (const step of ['npm test', 'the contract, other Nodes', 'deploys', 'all'])
      expect(lines.filter((line) => line.startsWith(`${step} `) && / min +\d+ s$/.test(line))).toHaveLength(1)
  })

  it('tells again at its end what failed, and why', async () => {
    const { code, lines } = await run({
      test: leaves('jest.json', report(passes('one'), fails('two'))) + exits(1),
      matrix:
        leaves(
          'matrix/24-halfclose.json',
          JSON.stringify({ passed: 9, failed: 1, failures: [{ name: 'a/b on http', why: 'no FIN' }] }),
        ) + exits(1),
    })
    expect(code).toBe(1)
    expect(lines.slice(-8)).toEqual([
      'FAILED: two',
      '    expected FIN',
      '    at wire.ts',
      '',
      'FAILED: a/b on http',
      '    no FIN',
      '',
      '10 passed, 2 failed, 2 skipped',
    ])
  })

  it('counts what passed at the second time, with nothing beside it, as passed', async () => {
    const first = leaves('jest.json', report(passes('one'), fails('two')))
    const { code, lines } = await run({ test: first + leaves('jest-again.json', report(passes('two'))) })
    expect([code, lines.at(-1)]).toEqual([0, '12 passed, 0 failed, 2 skipped'])
  })

  it('fails where a step fails without a test that does, and shows the end of its output', async () => {
    const { code, lines } = await run({ test: prints('lint: no such rule') + exits(1) })
    expect([code, lines.at(-1)]).toEqual([1, '10 passed, 1 failed, 0 skipped'])
    expect(lines.slice(-4).join('\n')).toContain('lint: no such rule')
  })

  it('fails where the deploys lost a request, and shows the end of their output', async () => {
    const { code, lines } = await run({ deploys: prints('BROKEN: 1 lost') + exits(1) })
    expect([code, lines.at(-1)]).toEqual([1, '12 passed, 1 failed, 2 skipped'])
    expect(lines.slice(-4)).toContain('BROKEN: 1 lost')
  })
})

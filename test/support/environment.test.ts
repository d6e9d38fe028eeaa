import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(__dirname, '../..')

interface Told {
  testResults: { assertionResults: { title: string; status: string; invocations: number; failureMessages: string[] }[] }[]
}

it('a test that fails is played again if the process was late meanwhile, five times at most; if it kept time the test has failed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'halfclose-environment-'))
  const report = join(folder, 'jest.json')
  const config = {
    rootDir: __dirname,
    testEnvironment: '<rootDir>/environment.mjs',
    testMatch: ['<rootDir>/environment-fixture.cjs'],
    transform: {},
  }
  const args = ['node_modules/jest/bin/jest.js', '--config', JSON.stringify(config), '--json', `--outputFile=${report}`]
  const stderr = await new Promise<string>((resolve) =>
    execFile(process.execPath, args, { cwd: root }, (_failed, _stdout, text) => resolve(text)),
  )
  const { testResults }: Told = JSON.parse(readFileSync(report, 'utf8'))
  rmSync(folder, { recursive: true })

  const told = testResults.flatMap(({ assertionResults }) => assertionResults)
  expect(told.map(({ title, status, invocations }) => [title, status, invocations])).toEqual([
    ['late once', 'passed', 2],
    ['late once, beside others', 'passed', 2],
    ['in time', 'failed', 1],
    ['always late', 'failed', 6],
  ])
  expect(told[2]?.failureMessages.join()).toContain('it was wrong')
  expect(told[3]?.failureMessages.join()).toContain('it fails for ever, 6')
  expect(stderr).toMatch(/to be played again, the machine stood still for \d+ ms: late once\n {2}it was late\n/)
})

// Plays the contract suites with jest on one Node, bare or with halfclose, and tells what came of each case on each host.
import { fork } from 'node:child_process'
import { createWriteStream, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, tool } from '../../scripts/steps.mjs'
import { letterOf } from './results.mjs'

/**
 * @typedef {object} Found
 * @property {string} id of a case, or the title of a test that is none
 * @property {string} host
 * @property {string} letter of results.json
 * @property {string} why it did not pass
 * @property {boolean} [late] the machine stood still: it was played again (test/support/environment.mjs)
 * @property {string[]} rules
 * @property {boolean} [regression] bare only, as all that follows
 * @property {boolean} [races]
 */
/**
 * @typedef {object} Run
 * @property {string} node the program
 * @property {'bare' | 'halfclose'} mode
 * @property {readonly string[]} hosts a jest file each
 * @property {string} [cases] a pattern for their titles
 * @property {number} workers hosts at once
 * @property {number} atOnce cases at once, on each of them
 * @property {number} [patience] ms for which a case waits for an event
 * @property {string} log all that jest and the tests print is appended to this file
 * @property {(count: number) => void} [onCases] so many cases have ended
 * @property {(host: string, found: Found[]) => void} [onHost] all cases of this host have ended
 */

/** @param {Run} run @returns {Promise<Found[]>} */
export async function playSuite({ node, mode, hosts, cases, workers, atOnce, patience, log, onCases, onHost }) {
  const bare = mode === 'bare' ? mkdtempSync(join(tmpdir(), 'halfclose-bare-')) : undefined
  const args = ['--silent', '--coverage=false', '--reporters=<rootDir>/test/conformance/reporter.mjs']
  args.push(`--maxWorkers=${workers}`, `--maxConcurrency=${atOnce}`)
  if (cases !== undefined) args.push('-t', cases)
  args.push(`test/(contract|http2)/(${hosts.join('|')})\\.test`)
  const env = { ...process.env }
  if (bare !== undefined) env.HALFCLOSE_BARE = bare
  if (patience !== undefined) env.HALFCLOSE_PATIENCE = String(patience)

  const child = fork(join(root, tool.jest), args, {
    cwd: root,
    env,
    execPath: node,
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const written = createWriteStream(log, { flags: 'a' })
  child.stdout.pipe(written, { end: false })
  child.stderr.pipe(written, { end: false })
  const found = []
  const missing = new Set(hosts)
  child.on('message', ({ ended, file, cases: played }) => {
    if (ended !== undefined) return onCases?.(ended)
    const host = file.replace(/^.*\/(\w+)\.test\.ts$/, '$1')
    const those = bare === undefined ? played.flatMap((one) => asCase(host, one)) : bareCases(bare, host, played)
    missing.delete(host)
    found.push(...those)
    onHost?.(host, those)
  })
  await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
  await new Promise((resolve) => written.end(resolve))
  if (bare !== undefined) rmSync(bare, { recursive: true })
  for (const host of missing) found.push(noCase(host, 'the run ends', readFileSync(log, 'utf8').slice(-1_000)))
  return found
}

const noCase = (host, id, why) => ({ id, rules: [], host, letter: 'f', why })
export const isCase = ({ id }) => id.includes('/')

function asCase(host, { title, passed, why, invocations }) {
  const [, id, rules] = /^(\S+): .*\[([^\]]*)\]$/.exec(title) ?? []
  if (id === undefined) return passed ? [] : [noCase(host, title, why)]
  return [{ id, rules: rules.split(' '), host, letter: passed ? 'p' : 'f', why, late: invocations > 1 }]
}

/** The bare suites write down themselves what came of each case, and pass. */
function bareCases(folder, host, played) {
  const failed = played.filter(({ passed }) => !passed).map(({ title, why }) => noCase(host, title, why))
  if (!readdirSync(folder).includes(`${host}.json`)) return failed
  const { cases, results } = JSON.parse(readFileSync(join(folder, `${host}.json`), 'utf8'))
  const told = new Map(cases.map((one) => [one.id, one]))
  return Object.entries(results).map(([id, why]) => ({ ...told.get(id), host, letter: letterOf(why), why }))
}

/** A pattern that finds just these cases. */
export function patternOf(cases) {
  const ids = [...new Set(cases.map(({ id }) => id))]
  return `(^| )(${ids.map((id) => id.replaceAll(/[.+*?()[\]]/g, '\\$&')).join('|')}): `
}

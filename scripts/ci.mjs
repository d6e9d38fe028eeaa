// What CI runs (.ci/run): `npm test`, then the contract suite on the other Nodes and without halfclose on this one, then a short deploy behind
// HAProxy and nginx. At its end: how long each step took, each failure once more, since only the end of a long output is kept, and one line with the counts.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { provideNode } from '../test/conformance/node-versions.mjs'
import { nodes } from '../test/conformance/results.mjs'
import { root } from './steps.mjs'
import { readReports } from './summary.mjs'

/** Of a step that failed, without a test that did. */
const LAST_LINES = 40
/** Failures that are shown with their messages. */
const SHOWN = 20
const TESTS = 'npm test'
const CONTRACT = 'the contract, other Nodes'

const began = performance.now()
/** @typedef {{ name: string, seconds: number, code: number, tail: string[] }} Step */
/** @type {Step[]} */
const steps = []

// The matrix needs the other Nodes: a download waits for the network, while the build and the checks work.
for (const major of nodes) provideNode(major).catch((error) => console.log(`Node ${major} is not there yet: ${error.message}`))

await play(TESTS, ['npm', 'test', '--', '--again', '--programs'])
// With halfclose on the other Nodes (npm test was that on this one), and bare on this one.
await play(CONTRACT, [process.execPath, 'scripts/matrix.mjs', '--check'])
// Nothing is beside it: on a machine that is late, HAProxy takes every backend for dead, and the requests that it then refuses say nothing of the policy.
await play('deploys', [process.execPath, 'scripts/test-deploy.mjs', '--short', '--allow-missing'])

const { passed, skipped, failures, late } = readReports(join(root, 'coverage'))
if (late.length > 0)
  console.log(`\n${late.length} tests failed while the machine stood still, and were played again:\n  ${late.join('\n  ')}`)
console.log()
for (const { name, seconds, code } of steps)
  console.log(`${name.padEnd(30)} ${time(seconds)}${code === 0 ? '' : `  FAILED, exit code ${code}`}`)
console.log(`${'all'.padEnd(30)} ${time((performance.now() - began) / 1_000)}`)

// A step may fail without a test that does: its output tells why.
const explained = { [TESTS]: failures.jest, [CONTRACT]: failures.matrix }
const unexplained = steps.filter(({ name, code }) => code !== 0 && (explained[name] ?? []).length === 0)
for (const { name, tail } of unexplained) console.log(`\nFAILED: ${name}. The end of its output:\n${tail.join('\n')}`)
const failed = [...failures.jest, ...failures.matrix]
for (const { name, why } of failed.slice(0, SHOWN)) console.log(`\nFAILED: ${name}\n${why.replaceAll(/^/gm, '    ')}`)
for (const { name } of failed.slice(SHOWN)) console.log(`FAILED: ${name}`)
const all = failed.length + unexplained.length
console.log(`\n${passed} passed, ${all} failed, ${skipped} skipped`)
process.exitCode = steps.some(({ code }) => code !== 0) || all > 0 ? 1 : 0

/**
 * Runs a command to its end, whatever that is. Its output is shown as it comes.
 * @param {string} name @param {string[]} command
 * @returns {Promise<Step>}
 */
async function play(name, [program, ...args]) {
  console.log(`\n${name} …`)
  const start = performance.now()
  const tail = []
  const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      console.log(line)
      tail.push(line)
      if (tail.length > LAST_LINES) tail.shift()
    })
  const code = await new Promise((resolve) => {
    child.once('error', (error) => {
      tail.push(error.message)
      resolve(1)
    })
    child.once('close', (exitCode, signal) => {
      if (signal !== null) tail.push(`ended by ${signal}`)
      resolve(exitCode ?? 1)
    })
  })
  const one = { name, seconds: (performance.now() - start) / 1_000, code, tail }
  steps.push(one)
  return one
}

function time(seconds) {
  const whole = Math.round(seconds)
  return `${String(Math.floor(whole / 60)).padStart(3)} min ${String(whole % 60).padStart(2)} s`
}

/**
 * Small experiments with connections, on loopback: each prints its own figures. docs/connections.md explains them.
 *
 *   npm run lab                  all of them, in about half a minute
 *   npm run lab -- nagle page    these
 *   npm run lab -- --list        their names
 */
import { parseArgs } from 'node:util'
import { experiments } from './experiments.mjs'
import { formatTable, wrap } from './table.mjs'

/** @param {string} name */
function find(name) {
  const experiment = experiments.find((candidate) => candidate.name === name)
  if (experiment) return experiment
  throw new RangeError(`no experiment is called ${name}; there are ${experiments.map((known) => known.name).join(', ')}`)
}

/** One updating line on a terminal; elsewhere a line for every experiment only. @param {string} name */
function progressOf(name) {
  const { isTTY, columns = 80 } = process.stdout
  if (!isTTY) console.log(`running ${name} …`)
  return {
    /** @param {string} text */
    say: (text) => void (isTTY && process.stdout.write(`\r\x1b[K${`running ${name}: ${text} …`.slice(0, columns - 1)}`)),
    done: () => void (isTTY && process.stdout.write('\r\x1b[K')),
  }
}

/** @param {import('./experiments.mjs').Experiment} experiment */
async function perform({ name, about, run }) {
  const begun = performance.now()
  const progress = progressOf(name)
  const findings = await run({}, progress.say).finally(progress.done)
  const seconds = ((performance.now() - begun) / 1000).toFixed(1)
  console.log(`\n━━ ${name}: ${about} (${seconds} s)\n\n${wrap(findings.setup)}\n`)
  if (findings.rows.length > 0) console.log(`${formatTable(findings.columns, findings.rows)}\n`)
  for (const note of findings.notes ?? []) console.log(`${wrap(`! ${note}`, '  ')}\n`)
  if (findings.shows !== '') console.log(`${wrap(`→ ${findings.shows}`, '  ')}\n`)
}

async function main() {
  const { values, positionals } = parseArgs({ options: { list: { type: 'boolean', default: false } }, allowPositionals: true })
  const chosen = positionals.length === 0 ? experiments : positionals.map(find)
  if (values.list) {
    for (const { name, about } of chosen) console.log(`${name.padEnd(12)}${about}`)
    return
  }
  console.log(
    `Node ${process.version} on ${process.platform}, ${new Date().toISOString().slice(0, 10)}; everything on loopback\n`,
  )
  const begun = performance.now()
  for (const experiment of chosen) await perform(experiment)
  if (chosen.length > 1) console.log(`${chosen.length} experiments in ${((performance.now() - begun) / 1000).toFixed(0)} s`)
}

try {
  await main()
} catch (error) {
  console.error(`\nThe lab failed: ${error instanceof Error ? error.message : error}`)
  process.exitCode = 2
}

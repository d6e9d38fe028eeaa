// What a connection policy costs: see docs/benchmark.md.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beside, readResults } from './beside.mjs'
import { killAll } from './child.mjs'
import { stopAll } from './load.mjs'
import { machine } from './machine.mjs'
import { settingsOf } from './settings.mjs'
import { tableOf } from './table.mjs'

const settings = settingsOf(process.argv.slice(2))
const results = { machine: machine(), settings, parts: {} }
// Read first: who names the wrong folder hears of it before the half hour.
const earlier = settings.into === undefined ? undefined : readResults(settings.into)
const began = performance.now()
const since = () => `${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s`
const failed = []

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    stopAll()
    await killAll()
    process.exit(1)
  })
}

console.log(
  Object.entries(results.machine)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n'),
)
for (const name of settings.only) {
  const { title, run } = await import(`./parts/${name}.mjs`)
  const start = performance.now()
  const say = (line) => console.log(`${since()}  ${name}: ${line}`)
  say(title)
  try {
    const result = await run(settings, say)
    results.parts[name] = { title, seconds: Math.round((performance.now() - start) / 1_000), ...result }
    if (result.skipped) say(`skipped: ${result.skipped}`)
  } catch (error) {
    // The other parts still have something to say; the table and the exit code tell that this one has not.
    results.parts[name] = { title, failed: String(error.message) }
    failed.push(name)
    say(`FAILED: ${error.stack}`)
  } finally {
    stopAll()
    await killAll()
  }
}

const published = earlier === undefined ? results : beside(earlier, results)
const table = tableOf(published)
console.log(`\n${table}`)
if (settings.out !== undefined) {
  const { chartOf } = await import('./chart.mjs')
  mkdirSync(settings.out, { recursive: true })
  writeFileSync(join(settings.out, 'results.json'), `${JSON.stringify(published, null, 2)}\n`)
  writeFileSync(join(settings.out, 'results.txt'), `${table}\n`)
  writeFileSync(join(settings.out, 'results.svg'), chartOf(published))
  console.log(`\nwritten: ${settings.out}/results.json, results.txt, results.svg`)
}
if (failed.length > 0) {
  console.error(`failed: ${failed.join(', ')}`)
  process.exitCode = 1
}

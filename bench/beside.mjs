// The parts of one run beside those of an earlier one: a full run takes long, and not every change touches every part.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parts } from './settings.mjs'

/** The results in a folder; ends the process where there are none. */
export function readResults(folder) {
  try {
    return JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8'))
  } catch (error) {
    console.error(`--into ${folder}: no results of an earlier run there: ${error.message}`)
    process.exit(2)
  }
}

/** `results`, and what they lack of `earlier`; of those parts each says what machine and commit it is of. */
export function beside(earlier, results) {
  const kept = (part) => part && { ...part, of: part.of ?? earlier.machine }
  const found = parts.map((name) => [name, results.parts[name] ?? kept(earlier.parts[name])])
  return { ...results, parts: Object.fromEntries(found.filter(([, part]) => part !== undefined)) }
}

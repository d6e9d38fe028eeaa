// Records, for the Node that runs it, what halfclose allocates now: after a change that is worth its bytes.
//   node test/allocations/record.mjs            (after npm run build; also with npx -p node@24 node …)
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { measure, over } from './measure.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const file = join(here, 'limits.json')
const limits = JSON.parse(readFileSync(file, 'utf8'))
const major = process.versions.node.split('.')[0]

const [bare, halfclose, counting] = await Promise.all(['bare', 'halfclose', 'counting'].map((variant) => measure(here, variant)))
const measured = { halfclose: over(halfclose, bare), counting: over(counting, bare) }
console.log(`Node ${process.versions.node}, bytes over bare:`, measured)
limits.measured[major] = measured
writeFileSync(file, `${JSON.stringify(limits, null, 2)}\n`)

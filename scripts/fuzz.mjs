// `npm run fuzz -- --connections 1000000`: the byte fuzzer and the model of one connection, in parts, two at a time (`--jobs`). It goes on where it was stopped, as long as commit and seed are the same; `--anew` begins
// again. At the end of a whole run it writes docs/fuzz.md. A part that finds something ends it, and says how to play that again.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { install, node, root, tool } from './steps.mjs'

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '1000000' },
    part: { type: 'string', default: '8000' },
    jobs: { type: 'string', default: String(Math.max(1, Math.min(8, availableParallelism()))) },
    seed: { type: 'string', default: '1' },
    anew: { type: 'boolean', default: false },
    'no-record': { type: 'boolean', default: false },
  },
})
const whole = (name) => {
  const value = Number(values[name])
  if (!Number.isSafeInteger(value) || value < 1)
    throw new RangeError(`--${name} must be a whole number from 1, not ${values[name]}`)
  return value
}
const [connections, part, jobs, seed] = ['connections', 'part', 'jobs', 'seed'].map(whole)

const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim()
const commit = `${git('rev-parse', '--short=12', 'HEAD')}${git('status', '--porcelain', '--', 'packages') === '' ? '' : ', changed'}`
const file = join(root, 'node_modules/.cache/halfclose/fuzz.json')
const count = (value) => value.toLocaleString('en')

/** One part of so many is for the model: one of its connections takes seven times the CPU of one of the fuzzer's. Each part takes eight seeds, one for each of its lanes. */
const MODEL_EVERY = 16
const kindOf = (n) => (n % MODEL_EVERY === 3 ? 'model' : 'fuzz')
const parts = Math.ceil(connections / part)
const runsOf = (n) => Math.min(part, connections - n * part)

function begin() {
  const fresh = { commit, seed, part, connections, done: [], seconds: 0, began: new Date().toISOString() }
  if (values.anew) return fresh
  try {
    const before = JSON.parse(readFileSync(file, 'utf8'))
    const isSame = ['commit', 'seed', 'part', 'connections'].every((name) => before[name] === fresh[name])
    return isSame && before.done.length < parts ? before : fresh
  } catch {
    return fresh
  }
}

await install()
const state = begin()
const keep = () => {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(state))
}
const already = state.done.length
if (already > 0) console.log(`going on after ${count(already * part)} connections`)
const left = Array.from({ length: parts }, (_, n) => n).filter((n) => !state.done.includes(n))
const before = state.seconds
const started = performance.now()

async function play(n) {
  const kind = kindOf(n)
  const runs = runsOf(n)
  const env = { ...process.env, HALFCLOSE_RUNS: String(runs), HALFCLOSE_SEED: String(seed + n * 8) }
  await node([tool.jest, '--coverage=false', '--runInBand', `test/adversary/${kind}.test.ts`], { env })
  state.done.push(n)
  state.seconds = before + (performance.now() - started) / 1_000
  keep()
  const played = state.done.length - already
  const rate = (played * part) / ((performance.now() - started) / 1_000)
  const rest = ((parts - state.done.length) * part) / rate / 60
  console.log(
    `${count(Math.min(connections, state.done.length * part))} of ${count(connections)} connections, ${Math.round(rate)} a second, ${rest.toFixed(0)} minutes left (${kind}, seeds from ${seed + n * 8})`,
  )
}

async function work() {
  for (let n = left.shift(); n !== undefined; n = left.shift()) await play(n)
}

try {
  await Promise.all(Array.from({ length: jobs }, work))
} catch (error) {
  console.error(error.output ?? error.stack)
  console.error(
    `\nfound something after ${count(state.done.length * part)} connections; the lines above say how to play it again`,
  )
  process.exit(1)
}

const ofModel = state.done.filter((n) => kindOf(n) === 'model').reduce((sum, n) => sum + runsOf(n), 0)
const minutes = (state.seconds / 60).toFixed(1)
console.log(`${count(connections)} connections, nothing found, in ${minutes} minutes`)
if (!values['no-record']) {
  writeFileSync(
    join(root, 'docs/fuzz.md'),
    `# The last whole run of \`npm run fuzz\`

The byte fuzzer sends mutations of valid pipelines, the model plays a connection beside a model of it (\`test/adversary\`). Each run is one connection with a seed of its own; what fails is shrunk, and printed with the
command that plays it again. \`npm run fuzz -- --connections 1000000\` plays a million connections, in parts. If you stop it, the same command goes on from there, unless the commit has changed. At its end it writes this page.

| | |
|---|---|
| commit | ${commit} |
| connections | ${count(connections)}, ${count(ofModel)} of them by the model |
| seeds | from ${seed}, ${parts} parts of ${count(part)} |
| time | ${minutes} minutes, ${jobs} at a time, Node ${process.versions.node} |
| ended | ${new Date().toISOString().slice(0, 10)} |
| found | nothing |
`,
  )
  console.log('docs/fuzz.md says so')
}

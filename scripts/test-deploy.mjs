import { build, install, node } from './steps.mjs'

/** More than one go should have: in parts, and resumable. */
const MANY = 100_000
/** The exit code of deploy.mjs where it failed on a machine that stood still. A short run is played again then. */
const FAILED_LATE = 75
const ATTEMPTS = 4

await install()
await build()
const args = process.argv.slice(2)
const requests = Number(args[args.indexOf('--requests') + 1] ?? 0)
const isMany = args.includes('--requests') && (requests > MANY || args.includes('--part'))
const attempts = args.includes('--short') ? ATTEMPTS : 1
let code = FAILED_LATE
for (let attempt = 1; attempt <= attempts && code === FAILED_LATE; attempt++) {
  if (attempt > 1) console.log('\nagain, since the machine stood still\n')
  code = await node([isMany ? 'test/deploy/at-scale.mjs' : 'test/deploy/deploy.mjs', ...args], { live: true }).then(
    () => 0,
    ({ exitCode }) => exitCode || 1,
  )
}
process.exit(code)

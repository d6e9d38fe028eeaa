import { build, install, node } from './steps.mjs'

/** More than one go should have: in parts, and resumable. */
const MANY = 100_000

await install()
await build()
const args = process.argv.slice(2)
const requests = Number(args[args.indexOf('--requests') + 1] ?? 0)
const isMany = args.includes('--requests') && (requests > MANY || args.includes('--part'))
await node([isMany ? 'test/deploy/at-scale.mjs' : 'test/deploy/deploy.mjs', ...args], { live: true }).catch(({ exitCode }) =>
  process.exit(exitCode || 1),
)

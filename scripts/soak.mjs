import { build, install, node } from './steps.mjs'

await install()
await build()
const program = process.argv.includes('--chaos') ? 'test/faults/chaos.mjs' : 'bench/soak.mjs'
await node([program, ...process.argv.slice(2)], { live: true }).catch(({ exitCode }) => process.exit(exitCode || 1))

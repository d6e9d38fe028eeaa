import { build, install, node } from './steps.mjs'

await install()
await build()
await node(['bench/bench.mjs', ...process.argv.slice(2)], { live: true }).catch(({ exitCode }) => process.exit(exitCode || 1))

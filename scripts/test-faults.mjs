// `npm run test:faults`: all faults on all hosts, as long as they take. A short form is in `npm test`. Arguments go to jest: `-- network`.
import { build, install, node, tool } from './steps.mjs'

await install()
await build()
const filters = process.argv.slice(2).map((argument) => (argument.startsWith('-') ? argument : `test/faults/.*${argument}`))
await node([tool.jest, '--coverage=false', '--runInBand', ...(filters.length > 0 ? filters : ['test/faults'])], {
  live: true,
  env: { ...process.env, HALFCLOSE_FAULTS: 'long' },
}).catch(({ exitCode }) => process.exit(exitCode || 1))

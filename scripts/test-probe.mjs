// `npm run test:probe`: every check of halfclose-probe against every mutant of its server. A short form is in `npm test`. Arguments go to jest.
import { build, install, node, tool } from './steps.mjs'

await install()
await build()
await node([tool.jest, '--coverage=false', '--runInBand', 'packages/probe/test/.*mutants', ...process.argv.slice(2)], {
  live: true,
  env: { ...process.env, HALFCLOSE_PROBE: 'whole' },
}).catch(({ exitCode }) => process.exit(exitCode || 1))

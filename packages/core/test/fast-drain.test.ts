import { expect, test } from '@jest/globals'
import { reasonForFastDrain } from '../src/adapter/fast-drain.js'

const app = ['/usr/bin/node', '/app/server.mjs']

test.each<[string | undefined, NodeJS.ProcessEnv, string[]]>([
  [undefined, {}, app],
  ['NODE_ENV is test', { NODE_ENV: 'test' }, app],
  ['NODE_ENV is development', { NODE_ENV: 'development' }, app],
  ['this is node --watch', { WATCH_REPORT_DEPENDENCIES: '1' }, app],
  ['this is node --test', { NODE_TEST_CONTEXT: 'child-v8' }, app],
  ['this is vitest', { VITEST: 'true' }, app],
  ['this is mocha', {}, ['/usr/bin/node', '/app/node_modules/.bin/mocha', 'a.test.mjs']],
  ['this is mocha', {}, ['/usr/bin/node', '/app/node_modules/mocha/bin/mocha.js']],
  [undefined, {}, ['/usr/bin/node', '/app/mocha-latte.mjs']],
  ['this is tsx watch', { npm_lifecycle_script: 'tsx watch src/server.ts' }, app],
  ['this is tsx watch', { npm_lifecycle_script: 'tsx --env-file=.env watch src/server.ts' }, app],
  [undefined, { npm_lifecycle_script: 'tsx src/watch.ts' }, app],
  ['this is nodemon', { npm_lifecycle_script: 'nodemon --exec tsx src/server.ts' }, app],
  ['this is nest start --watch', { npm_lifecycle_script: 'nest start --watch' }, app],
  [undefined, { npm_lifecycle_script: 'nest start' }, app],
  // What is deployed may have been started by a script, too.
  [undefined, { NODE_ENV: 'production', npm_lifecycle_script: 'nodemon src/server.js' }, app],
])('%s: %j', (reason, env, argv) => {
  expect(reasonForFastDrain(env, argv)).toBe(reason)
})

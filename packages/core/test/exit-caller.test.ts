import { expect, test } from '@jest/globals'
import { callOfExit } from '../src/process/exit-caller.js'

const frames = (...places: string[]): string => ['Error', ...places.map((place) => `    at ${place}`)].join('\n')
const OURS = [
  'SignalCoordinator.#onExit (/app/node_modules/@halfclose/core/dist/cjs/coordinator.js:1:1)',
  'process.emit (node:events:524:28)',
]
const EXIT = 'process.exit (node:internal/process/per_thread:184:15)'

test.each([
  [
    'a timer',
    [EXIT, 'Timeout.kill [as _onTimeout] (/app/server.mjs:7:9)', 'listOnTimeout (node:internal/timers:581:17)'],
    '/app/server.mjs:7:9',
    true,
  ],
  [
    'a promise',
    [EXIT, 'file:///app/server.mjs:3:1', 'process.processTicksAndRejections (node:internal/process/task_queues:105:5)'],
    'file:///app/server.mjs:3:1',
    false,
  ],
  [
    'a promise that settles below a timer of others',
    [
      EXIT,
      'file:///app/server.mjs:3:1',
      'process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
      'runNextTicks (node:internal/process/task_queues:69:3)',
      'listOnTimeout (node:internal/timers:569:9)',
      'process.processTimers (node:internal/timers:543:7)',
    ],
    'file:///app/server.mjs:3:1',
    false,
  ],
  [
    'an immediate',
    [EXIT, 'Immediate.<anonymous> (/app/server.mjs:7:9)', 'process.processImmediate (node:internal/timers:491:21)'],
    '/app/server.mjs:7:9',
    false,
  ],
  [
    'a timer in an asynchronous context',
    [
      EXIT,
      '/app/server.mjs:7:9',
      'AsyncLocalStorage.run (node:internal/async_local_storage/async_hooks:91:14)',
      'Timeout.kill [as _onTimeout] (/app/server.mjs:6:9)',
      'listOnTimeout (node:internal/timers:581:17)',
    ],
    '/app/server.mjs:7:9',
    true,
  ],
  [
    "`exit` of an import from 'node:process'",
    [
      'exit (node:internal/process/per_thread:236:15)',
      'Timeout._onTimeout (/app/a.mjs:1:2)',
      'listOnTimeout (node:internal/timers:1:1)',
    ],
    '/app/a.mjs:1:2',
    true,
  ],
  [
    'a timer that has it for its function',
    ['Timeout.exit [as _onTimeout] (node:internal/process/per_thread:184:15)', 'listOnTimeout (node:internal/timers:1:1)'],
    'a place that is not known',
    true,
  ],
  [
    'an `exit` of the application, which calls it',
    ['exit (node:internal/process/per_thread:236:15)', 'Worker.exit (/app/a.mjs:1:2)'],
    '/app/a.mjs:1:2',
    false,
  ],
  ['an async function', [EXIT, 'async file:///app/server.mjs:3:1'], 'file:///app/server.mjs:3:1', false],
  ['nothing of the application', [EXIT, 'node:internal/x:1:1'], 'a place that is not known', false],
  ['nobody', ['process._fatalException (node:internal/process/execution:195:19)'], undefined, false],
])('who calls process.exit(): %s', (_what, stack, place, byTimer) => {
  expect(callOfExit(frames(...OURS, ...stack))).toEqual({ place, byTimer })
})

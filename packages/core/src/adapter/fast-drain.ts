/** Watchers that can be recognised only by the npm script that started them. For the others, docs/timers.md says what to write. */
const WATCHERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\btsx (?:\S+ )*?watch\b/, 'tsx watch'],
  [/\bnodemon\b/, 'nodemon'],
  [/\bnest start\b.*(?:--watch\b| -w\b)/, 'nest start --watch'],
]

/** Why a drain should be fast in this process, e.g. `NODE_ENV is test`; `undefined`: there is no reason. */
export function reasonForFastDrain(env: NodeJS.ProcessEnv, argv: readonly string[]): string | undefined {
  const mode = env.NODE_ENV
  if (mode === 'test' || mode === 'development') return `NODE_ENV is ${mode}`
  // An explicit `production` counts: a deployment may be started by an npm script, too.
  if (mode === 'production') return env.WATCH_REPORT_DEPENDENCIES === undefined ? undefined : 'this is node --watch'
  // Node sets it in processes that `node --watch` starts; execArgv does not show it.
  if (env.WATCH_REPORT_DEPENDENCIES !== undefined) return 'this is node --watch'
  if (env.NODE_TEST_CONTEXT !== undefined) return 'this is node --test'
  if (env.VITEST !== undefined) return 'this is vitest'
  if (/[\\/]_?mocha(?:\.[cm]?js)?$|[\\/]mocha[\\/]/.test(argv[1] ?? '')) return 'this is mocha'
  const script = env.npm_lifecycle_script ?? ''
  const watcher = WATCHERS.find(([pattern]) => pattern.test(script))
  return watcher === undefined ? undefined : `this is ${watcher[1]}`
}

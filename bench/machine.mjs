import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { arch, cpus, loadavg, platform, release, totalmem } from 'node:os'
import { generator } from './load.mjs'
import { pins } from './pin.mjs'

/** What a figure means nothing without. */
export function machine() {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    node: process.version,
    system: `${platform()} ${release()} ${arch()}`,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    load: loadavg().map((value) => Number(value.toFixed(2))),
    generator,
    pinned: pins,
    openFiles: openFiles(),
  }
}

/** Raises the limit of open files for a command behind it, where the system permits that. */
export const raised = (files) => ['sh', '-c', `${raise(files)}; exec "$0" "$@"`]

/** What is higher already stays so; who may not raise it goes on with what there is. */
const raise = (files) => `[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge ${files} ] || ulimit -n ${files} 2>/dev/null`

/** The hard limit of open files, for a process that asks for so many; Node raises its own soft limit to it. */
export function openFiles(wanted = 0) {
  try {
    const limit = execFileSync('sh', ['-c', `${raise(wanted)}; ulimit -Hn`], { encoding: 'utf8' }).trim()
    return limit === 'unlimited' ? Number.POSITIVE_INFINITY : Number(limit)
  } catch {
    return 0
  }
}

function commit() {
  const git = (...args) =>
    execFileSync('git', args, { encoding: 'utf8', cwd: import.meta.dirname ?? '.', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    const changed = git('status', '--porcelain', '--', '../packages')
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : ' with changes to packages/'}`
  } catch {
    return packageVersion()
  }
}

function packageVersion() {
  return `no git; version ${JSON.parse(readFileSync(new URL('../packages/core/package.json', import.meta.url), 'utf8')).version}`
}

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

/** The hard limit of open files; Node raises its own soft limit to it. */
export function openFiles() {
  try {
    const limit = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
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

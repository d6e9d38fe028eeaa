/** Every process that was started, so that none outlives the run. */
import { fork, spawn } from 'node:child_process'

/** @type {Set<import('node:child_process').ChildProcess>} */
const children = new Set()

/** @template {import('node:child_process').ChildProcess} T @param {T} child */
function keep(child) {
  children.add(child)
  child.once('exit', () => children.delete(child))
  return child
}

/** @param {string} file @param {string[]} args @param {import('node:child_process').ForkOptions} [options] */
export function startNode(file, args, options = {}) {
  // In production, as deployed: in development halfclose drains fast.
  const env = { ...process.env, NODE_ENV: 'production' }
  return keep(fork(new URL(file, import.meta.url), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], env, ...options }))
}

/** Told to go by the kernel, too, when this process dies a sudden death. @param {string[]} command @param {number} log fd */
export function startProxy(command, log) {
  return keep(spawn('setpriv', ['--pdeathsig', 'TERM', ...command], { stdio: ['ignore', log, log] }))
}

/** The proxies first: they answer SIGTERM by ending at once. Our own processes do not. */
export function endAll() {
  for (const child of children) child.kill(child.spawnfile === 'setpriv' ? 'SIGTERM' : 'SIGKILL')
}

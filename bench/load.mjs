// Load: wrk where it is installed, else autocannon. Runs until it is stopped; what is measured is counted by the server.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { onLoadCore } from './pin.mjs'

const LONGEST = 300
const CONNECTIONS = 32

export const generator = spawnSync('wrk', ['-v']).error === undefined ? 'wrk' : 'autocannon'

const running = new Set()

/** @returns {() => Promise<void>} ends it */
export function load(port, { path = '/', close = false, pipelining = 1, connections = CONNECTIONS } = {}) {
  const url = `http://127.0.0.1:${port}${path}`
  const headers = close ? ['-H', 'Connection: close'] : []
  // wrk pipelines only by a script; autocannon knows how.
  const [command, args] =
    generator === 'wrk' && pipelining === 1
      ? ['wrk', ['-t1', `-c${connections}`, `-d${LONGEST}s`, ...headers, url]]
      : [process.execPath, [autocannon(), '-c', connections, '-d', LONGEST, '-p', pipelining, '--no-progress', ...headers, url]]
  const [program, ...words] = [...onLoadCore, command, ...args].map(String)
  const child = spawn(program, words, { stdio: 'ignore' })
  running.add(child)
  const ended = once(child, 'close').then(() => running.delete(child))
  return async () => {
    child.kill('SIGKILL')
    await ended
  }
}

export function stopAll() {
  for (const child of running) child.kill('SIGKILL')
}

function autocannon() {
  return createRequire(import.meta.url).resolve('autocannon/autocannon.js')
}

/**
 * Runs an experiment's task in a network namespace of its own, where routes and kernel settings may be changed without changing the
 * machine's: a process of its own, started with `unshare -rn` (util-linux, no root needed where user namespaces are allowed).
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

/**
 * `commands` are run first, `settings` written under /proc/sys/net/ipv4; both by the new process.
 * @typedef {{ module: string, task: string, parameters: object, commands?: string[][], settings?: Record<string, string> }} Job
 */

export const READY = 'ready\n'

/**
 * @param {Job} job
 * @returns {Promise<{ result: any } | { unavailable: string }>} unavailable: this machine has no such namespaces, or lacks a command
 */
export async function isolated(job) {
  const inside = fileURLToPath(new URL('inside.mjs', import.meta.url))
  const child = spawn('unshare', ['-rn', process.execPath, inside, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] })
  // `close` comes after `error`, too, and once both pipes are read.
  let missing = ''
  child.once('error', ({ message }) => {
    missing = message
  })
  const closed = once(child, 'close').catch(() => [-1])
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)])
  const [code] = await closed
  if (!output.startsWith(READY)) return { unavailable: missing || (complaint.trim().split('\n')[0] ?? `exit code ${code}`) }
  if (code !== 0) throw new Error(`${job.module}, in a namespace: ${complaint.trim()}`)
  return { result: JSON.parse(output.slice(READY.length)) }
}
